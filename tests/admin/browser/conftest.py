"""The demonstration's panel, Chromium, and tabs that remember what the browser complained of."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from panel.accounts import passwords
from tests.admin import demo, people
from tests.admin.browser import chromium
from tests.admin.browser.pages import sign_in
from tests.admin.demo import Demo
from tests.admin.through_caddy import SITE

Tab = Callable[..., Page]
# A page is there in a fraction of it, on a busy machine too.
_PATIENCE_MILLISECONDS = 15_000
_START_MILLISECONDS = 120_000


@pytest.fixture(scope="package")
def panel() -> Iterator[Demo]:
    """A panel with some people in it, and an owner, olga."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "COST", 4)
        with demo.serve() as served:
            people.add(served.database, "olga")
            yield served


@pytest.fixture(scope="package")
def browser(panel: Demo) -> Iterator[Browser]:
    """Chromium, for which the panel's name leads to the panel."""
    expect.set_options(timeout=_PATIENCE_MILLISECONDS)
    with chromium.start(panel.port) as address, sync_playwright() as playwright:
        yield playwright.chromium.connect_over_cdp(address, timeout=_START_MILLISECONDS)


@pytest.fixture
def tab(panel: Demo, browser: Browser) -> Iterator[Tab]:
    """Opens a tab of a new profile, in which owner is signed in; its pages must not break their policy or err."""
    contexts, complaints = [], []

    def hear(message: ConsoleMessage) -> None:
        # The browser also writes down each page that is answered with an error, as the forms' own refusals are,
        # and looks for an icon of those that are no HTML and name none.
        url = message.location["url"]
        is_of_page = message.page is not None and url in (message.page.url, f"{SITE}/favicon.ico")
        if message.type in ("error", "warning") and not (is_of_page and "Failed to load resource" in message.text):
            complaints.append(f"{url}: {message.text}")

    def open_tab(owner: str = "", **options: Any) -> Page:
        context = browser.new_context(ignore_https_errors=True, **options)
        contexts.append(context)
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        context.on("console", hear)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        page = context.new_page()
        if owner:
            sign_in(page, panel, owner)
        return page

    yield open_tab
    for context in contexts:
        context.close()
    assert complaints == []
