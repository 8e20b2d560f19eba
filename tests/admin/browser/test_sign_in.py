"""Signing in, by hand and in a real browser."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Page, expect

from tests.admin import people
from tests.admin.browser.conftest import Tab
from tests.admin.browser.pages import faults, sign_in
from tests.admin.browser.pictures import scanned
from tests.admin.demo import Demo
from tests.admin.through_caddy import SITE

pytestmark = pytest.mark.integration

CHOSEN = "nine quiet herons cross the old bridge"


def press(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def show_code(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    press(page, "Sign in")


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_given_password_opens_nothing_but_the_choice_of_another(panel: Demo, tab: Tab) -> None:
    people.add(panel.database, "newcomer", must_change_password=True,
               password_expires_at=datetime.now(UTC) + timedelta(days=14))
    page = tab("newcomer")
    page.goto(f"{SITE}{panel.config.path}/users")
    expect(page.get_by_role("heading", name="Change the password")).to_be_visible()
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.get_by_label("New password", exact=True).fill(CHOSEN)
    page.get_by_label("New password, once more").fill(CHOSEN + "x")
    page.get_by_label("Your password").fill(people.PASSWORD)
    press(page, "Change the password")
    expect(page.get_by_role("alert")).to_contain_text("The two new passwords differ")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("New password", exact=True).fill(CHOSEN)
    page.get_by_label("New password, once more").fill(CHOSEN)
    page.get_by_label("Your password").fill(people.PASSWORD)
    press(page, "Change the password")
    page.goto(f"{SITE}{panel.config.path}/users")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    sign_out(page)
    sign_in(page, panel, "newcomer")
    expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, panel, "newcomer", CHOSEN)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_second_factor_is_scanned_turned_on_and_asked_for(panel: Demo, tab: Tab, colours: str) -> None:
    name = f"careful.{colours}"
    people.add(panel.database, name)
    page = tab(name, color_scheme=colours)
    page.get_by_role("link", name=name).click()
    page.get_by_role("link", name="Turn the second factor on").click()
    read = pyotp.parse_uri(scanned(page.get_by_role("img", name="QR code for the program")))
    assert isinstance(read, pyotp.TOTP)
    assert (read.name, read.issuer, read.secret) == (name, "example.com", page.locator("#secret").inner_text())
    used = read.now()
    page.get_by_label("Code that the telephone shows now").fill(used)
    page.get_by_label("Your password").fill(people.PASSWORD)
    press(page, "Turn it on")
    on_paper = page.locator("ol.codes code").all_inner_texts()
    assert len(set(on_paper)) == 10
    assert faults(page) == []
    sign_out(page)

    sign_in(page, panel, name)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    assert faults(page) == []
    page.goto(f"{SITE}{panel.config.path}/users")
    expect(page.get_by_role("heading", name="Users")).to_have_count(0)
    sign_in(page, panel, name)
    show_code(page, used)
    expect(page.get_by_role("alert")).to_be_visible()
    show_code(page, people.code(read.secret, 1))
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    sign_out(page)

    for is_new in (True, False):
        sign_in(page, panel, name)
        show_code(page, on_paper[3])
        if is_new:
            expect(page.get_by_role("heading", name="Overview")).to_be_visible()
            sign_out(page)
        else:
            expect(page.get_by_role("alert")).to_be_visible()


def test_who_wanted_a_page_is_brought_there_after_the_sign_in(panel: Demo, tab: Tab) -> None:
    page = tab()
    page.goto(f"{SITE}{panel.config.path}/users?status=limited")
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(people.PASSWORD)
    press(page, "Sign in")
    expect(page).to_have_url(re.compile(r"/users\?status=limited$"))


def test_the_back_button_shows_nothing_after_the_sign_out(panel: Demo, tab: Tab) -> None:
    page = tab("olga")
    page.goto(f"{SITE}{panel.config.path}/users")
    sign_out(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
