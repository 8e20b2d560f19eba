"""What every page looks like to people: on telephones, in four languages, in the dark, with a reader, by keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from panel import users
from panel.audit import Actor
from panel.store.models import User
from tests.admin import people
from tests.admin.browser.conftest import Tab
from tests.admin.browser.pages import PHONE, SCREEN, addresses, faults, visit_all
from tests.admin.demo import Demo
from tests.admin.through_caddy import SITE

pytestmark = pytest.mark.integration

LOOKS: dict[str, dict[str, Any]] = {
    "light, wide, English": {"color_scheme": "light", "viewport": SCREEN, "locale": "en-GB"},
    "dark, phone, Persian": {"color_scheme": "dark", "viewport": PHONE, "locale": "fa-IR"},
}
BEYOND = """() => [document.documentElement.scrollWidth - innerWidth,
  ...[...document.querySelectorAll("main *, header *")].filter(one => {
    const box = one.getBoundingClientRect();
    return !one.closest(".truncated") && box.width > 1 && (box.left < -1 || box.right > innerWidth + 1);
  }).map(one => one.outerHTML.slice(0, 100))]"""
CUT_OFF = """() => [...document.querySelectorAll(".frame, .card")]
  .map(one => one.scrollWidth - one.clientWidth).filter(beyond => beyond > 0)"""
GROUND = "getComputedStyle(document.body).backgroundColor"


def luminance(page: Page) -> float:
    """Return how light the ground is, from 0 to 1."""
    page.wait_for_load_state()
    red, green, blue = (int(part) / 255 for part in page.evaluate(GROUND).removeprefix("rgb(").rstrip(")").split(", "))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def focused(page: Page) -> str:
    """Return what the focused element is called."""
    return str(page.evaluate("(document.activeElement.innerText || document.activeElement.id).trim()"))


@pytest.mark.parametrize("look", LOOKS)
def test_no_page_has_a_serious_fault_for_people_with_a_reader(tab: Tab, panel: Demo, look: str) -> None:
    page = tab(**LOOKS[look])
    for name in visit_all(page, panel):
        assert faults(page) == [], name


@pytest.mark.parametrize("locale", ["en-GB", "fa-IR", "ru-RU", "zh-CN"])
def test_every_page_fits_a_telephone_in_every_language(tab: Tab, panel: Demo, locale: str) -> None:
    page = tab(viewport=PHONE, locale=locale)
    for name in visit_all(page, panel):
        assert page.evaluate("document.documentElement.lang")[:2] == locale[:2], name
        assert page.evaluate(BEYOND) == [0], name


def test_nothing_of_a_table_is_cut_off_at_any_width(tab: Tab, panel: Demo) -> None:
    # Russian has the longest words.
    page = tab("olga", locale="ru-RU")
    for name in ("users", "user", "audit", "accounts", "account", "server"):
        page.goto(SITE + addresses(panel)[name])
        for width in (1920, 1360, 1280, 1200, 1160, 1024, 880, 700, 360):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(CUT_OFF) == [], (name, width)


def test_persian_pages_run_from_right_to_left(tab: Tab, panel: Demo) -> None:
    sides = []
    for locale in ("en-GB", "fa-IR"):
        page = tab("olga", viewport=SCREEN, locale=locale)
        boxes = [page.locator(place).bounding_box() for place in ("nav.main", "main")]
        assert boxes[0] is not None
        assert boxes[1] is not None
        sides.append(boxes[0]["x"] < boxes[1]["x"])
    assert sides == [True, False]


def test_the_dark_is_the_device_s_choice_or_the_reader_s(tab: Tab, panel: Demo) -> None:
    assert luminance(tab("olga", color_scheme="dark")) < 0.1
    page = tab("olga", color_scheme="light")
    assert luminance(page) > 0.9
    page.get_by_label("Colours").select_option("dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("link", name="Users", exact=True).click()
    assert luminance(page) < 0.1


def test_the_overview_says_what_is_wrong_and_leads_to_who_is_concerned(tab: Tab, panel: Demo) -> None:
    page = tab("olga")
    said = page.get_by_role("list", name="Warnings")
    expect(said).to_contain_text("WireGuard cannot be told of changes")
    expect(said).to_contain_text("The certificate of q.example.com ends soon")
    expect(page.get_by_role("listitem").filter(has_text="www.example.com")).to_contain_text("in 2 months")
    page.get_by_role("link", name="Quota used up").click()
    with panel.database.read() as session:
        limited = len(session.scalars(select(User.id).where(User.status == "limited")).all())
    assert limited
    expect(page.locator("tbody tr").filter(has_text="Quota used up")).to_have_count(limited)


def test_the_overview_follows_what_happens_while_it_is_looked_at(tab: Tab, panel: Demo) -> None:
    page = tab()
    page.clock.install()
    page.goto(SITE + panel.config.path)
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    tile = page.locator("a.tile", has_text="Disabled").locator(".value")
    before = int(tile.inner_text())
    with panel.database.write() as session:
        somebody = session.scalars(select(User).where(User.is_enabled, User.name.like("carol%"))).first()
        assert somebody
        users.switch(session, Actor(name="tests", address=""), somebody.id, False)
    page.clock.run_for(11_000)
    expect(tile).to_have_text(str(before + 1))


def test_the_keyboard_is_enough(tab: Tab, panel: Demo) -> None:
    page = tab()
    page.goto(f"{SITE}{panel.config.path}/login")
    page.keyboard.type("olga")
    page.keyboard.press("Tab")
    page.keyboard.type(people.PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    page.goto(f"{SITE}{panel.config.path}/users?text=Heinrich")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    met: list[str] = []
    while not (met and met[-1].startswith("Heinrich")):
        page.keyboard.press("Tab")
        met.append(focused(page))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", met[-1]
        assert len(met) < 30
    page.keyboard.press("Enter")
    disable = page.get_by_role("link", name="Disable", exact=True)
    disable.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(disable).to_be_focused()
