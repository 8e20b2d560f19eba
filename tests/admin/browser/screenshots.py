"""Takes a picture of every page in every look: `PYTHONPATH=admin python -m tests.admin.browser.screenshots FOLDER`."""

import sys
from itertools import product
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.admin import demo, people
from tests.admin.browser import chromium
from tests.admin.browser.pages import PHONE, SCREEN, visit_all

_LOOKS = product(("en-GB", "fa-IR"), ("light", "dark"), {"wide": SCREEN, "phone": PHONE}.items())


def main(folder: Path) -> None:
    """Write FOLDER/PAGE-LANGUAGE-COLOURS-WIDTH.png for every page."""
    folder.mkdir(parents=True, exist_ok=True)
    with (demo.serve() as panel, chromium.start(panel.port) as address, sync_playwright() as playwright):
        browser = playwright.chromium.connect_over_cdp(address)
        people.add(panel.database, "olga")
        for locale, colours, (width, viewport) in _LOOKS:
            context = browser.new_context(
                locale=locale, color_scheme=colours, viewport=viewport, ignore_https_errors=True)  # type: ignore[arg-type]
            page = context.new_page()
            for name in visit_all(page, panel):
                page.screenshot(path=folder / f"{name}-{locale[:2]}-{colours}-{width}.png", full_page=True)
            context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
