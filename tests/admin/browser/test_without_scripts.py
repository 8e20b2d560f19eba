"""The essentials work where scripts do not."""

import pytest
from playwright.sync_api import expect

from tests.admin import people
from tests.admin.browser.conftest import Tab
from tests.admin.demo import Demo
from tests.admin.through_caddy import SITE

pytestmark = pytest.mark.integration


def test_a_user_is_made_disabled_found_and_deleted(panel: Demo, tab: Tab) -> None:
    page = tab(java_script_enabled=False)
    page.goto(SITE + panel.config.path)
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Users", exact=True).click()
    page.get_by_role("link", name="New user").click()
    page.get_by_label("Name", exact=True).fill("plain")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("link", name="Disable", exact=True).click()
    expect(page.get_by_text("Open connections are cut")).to_be_visible()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_role("status")).to_have_text("Disabled.")
    page.get_by_role("link", name="Users", exact=True).first.click()
    page.get_by_label("Name or note").fill("plain")
    page.get_by_role("button", name="Search").click()
    page.get_by_label("Choose plain").check()
    page.get_by_label("With those chosen").select_option("delete")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status")).to_have_text("Done for 1 user.")


def test_colours_and_the_sign_out_have_their_buttons(panel: Demo, tab: Tab) -> None:
    page = tab("olga", java_script_enabled=False)
    page.get_by_label("Colours").select_option("dark")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
