"""A user's life, as an operator makes it, and what the user sees."""

import re
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from panel import users
from panel.audit import Actor
from panel.users import NewUser
from tests.admin.browser.conftest import Tab
from tests.admin.browser.pages import faults
from tests.admin.browser.pictures import scanned
from tests.admin.demo import Demo
from tests.admin.through_caddy import SITE

pytestmark = pytest.mark.integration


def names(page: Page) -> list[str]:
    """Return the users that the list shows."""
    return page.locator("tbody th[scope=row] a").all_inner_texts()


def search(page: Page, text: str) -> None:
    page.get_by_label("Name or note").fill(text)
    page.get_by_role("button", name="Search").click()


def confirm(page: Page, action: str) -> None:
    """Press an action's button and then the same word in the dialog that asks."""
    page.get_by_role("link", name=action, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()


def test_a_user_is_made_found_changed_disabled_and_deleted(panel: Demo, tab: Tab) -> None:
    page = tab("olga")
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_role("link", name="New user").click()
    page.get_by_label("Name", exact=True).fill("Максим 馬 مکس")
    page.get_by_label("Quota").fill("much")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("This is no size")
    assert faults(page) == []
    page.get_by_label("Quota").fill("50")
    page.get_by_label("Last day").fill((date.today() + timedelta(days=30)).isoformat())
    page.get_by_label("TUIC").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Максим 馬 مکس")).to_be_visible()
    expect(page.get_by_role("row", name="TUIC")).to_contain_text("closed")
    expect(page.get_by_role("row", name="Trojan")).to_contain_text("open")
    expect(page.locator("dl.facts").first).to_contain_text("50 GB anew each month")

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Note").fill("pays by cheque")
    page.get_by_label("Quota").fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.locator("dl.facts").first).to_contain_text("no limit")

    confirm(page, "Disable")
    expect(page.locator("main > .head")).to_contain_text("Disabled")
    page.get_by_role("link", name="Users", exact=True).first.click()
    search(page, "CHEQUE")
    assert names(page) == ["Максим 馬 مکس"]
    page.get_by_label("Status").select_option("active")
    search(page, "cheque")
    expect(page.get_by_text("No user fits this search.")).to_be_visible()
    page.get_by_label("Status").select_option("disabled")
    search(page, "максим")
    page.get_by_role("link", name="Максим").first.click()
    confirm(page, "Delete")
    expect(page.get_by_role("status")).to_have_text("Deleted.")
    search(page, "cheque")
    assert names(page) == []


def test_several_users_are_changed_at_once(panel: Demo, tab: Tab) -> None:
    with panel.database.write() as session:
        for number in (1, 2, 3):
            users.create(session, Actor(name="tests", address=""), panel.config.server, NewUser(name=f"crew {number}"))
    page = tab("olga")
    page.goto(f"{SITE}{panel.config.path}/users?text=crew")
    page.get_by_label("Choose all on this page").check()
    page.get_by_label("Choose crew 2").uncheck()
    page.get_by_label("With those chosen").select_option("disable")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("ul.names li")).to_have_text(["crew 1", "crew 3"])
    assert faults(page) == []
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("status")).to_have_text("Done for 2 users.")
    page.goto(f"{SITE}{panel.config.path}/users?text=crew&status=disabled")
    assert names(page) == ["crew 1", "crew 3"]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_link_is_copied_scanned_and_opens_a_page_for_its_user(tab: Tab, panel: Demo, colours: str) -> None:
    page = tab("olga", color_scheme=colours, permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{SITE}{panel.config.path}/users?text=erin")
    page.get_by_role("button", name="Copy the link of erin.laptop").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    page.get_by_role("link", name="QR code of erin.laptop").first.click()
    assert scanned(page.get_by_role("img", name="QR code of the link")) == link

    phone = tab(color_scheme=colours, locale="fa-IR")
    phone.goto(link)
    expect(phone.get_by_role("heading", name="erin.laptop")).to_be_visible()
    assert phone.evaluate("document.dir") == "rtl"
    phone.get_by_role("link", name="English").click()
    assert scanned(phone.get_by_role("img", name="QR code: Your address")) == link
    phone.get_by_text("VLESS Vision REALITY example.com", exact=True).click()
    read = scanned(phone.get_by_role("img", name="QR code: VLESS Vision REALITY example.com"))
    assert re.match(r"vless://[0-9a-f-]{36}@", read)
    assert read == phone.get_by_role("textbox", name="VLESS Vision REALITY example.com", exact=True).input_value()


def test_a_revoked_link_answers_no_more(tab: Tab, panel: Demo) -> None:
    page = tab("olga")
    page.goto(f"{SITE}{panel.config.path}/users?text=grace")
    page.get_by_role("link", name="grace", exact=True).click()
    old = page.get_by_role("textbox", name="Link for all clients").input_value()
    confirm(page, "Revoke link")
    new = page.get_by_role("textbox", name="Link for all clients").input_value()
    stranger = tab()
    assert [answer.status if answer else 0 for answer in map(stranger.goto, (old, new))] == [404, 200]
