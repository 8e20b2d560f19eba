"""Every page of the panel, and how a browser gets to it."""

from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize
from sqlalchemy import select

from panel import subscriptions
from panel.store.accounts import Account
from panel.store.models import User
from tests.admin import people
from tests.admin.demo import Demo
from tests.admin.through_caddy import SITE

SCREEN = ViewportSize(width=1280, height=800)
PHONE = ViewportSize(width=360, height=740)


def addresses(panel: Demo) -> dict[str, str]:
    """Return the path of each page by a short name; those for strangers stand before the overview."""
    with panel.database.read() as session:
        # One with a quota, who has used some of it.
        user = session.scalars(select(User).where(User.period_used_bytes > 0, User.quota_bytes > 0)).first()
        account = session.scalars(select(Account.id)).first()
    assert user is not None
    below = {
        "sign-in": "/login",
        "overview": "/", "overview-month": "/?span=month",
        "users": "/users", "users-limited": "/users?status=limited", "users-nobody": "/users?text=nobody+is+called+so",
        "user": f"/users/{user.id}", "user-edit": f"/users/{user.id}/edit", "user-new": "/users/new",
        "user-delete": f"/users/{user.id}/delete", "exchange": "/users/import",
        "server": "/server", "audit": "/audit",
        "accounts": "/accounts", "account-new": "/accounts/new", "account-change": f"/accounts/{account}",
        "account": "/account", "password": "/account/password", "second-factor": "/account/second-factor",
        "token-new": "/account/tokens/new", "error": "/users/999999",
    }
    own = subscriptions.url(panel.config, user).removeprefix(SITE)
    return {"guest": f"{own}?format=page"} | {name: panel.config.path + path for name, path in below.items()}


def visit_all(page: Page, panel: Demo) -> Iterator[str]:
    """Lead a stranger's tab to every page, signed in as olga from the overview on; yield the name of each."""
    for name, path in addresses(panel).items():
        if name == "overview":
            sign_in(page, panel, "olga")
        page.goto(SITE + path)
        yield name


def faults(page: Page) -> list[tuple[str, list[str]]]:
    """Return what keeps people with a screen reader, little sight or a keyboard from the page: rule and places."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [(fault["id"], [str(node["target"]) for node in fault["nodes"]]) for fault in found]


def sign_in(page: Page, panel: Demo, username: str, password: str = people.PASSWORD) -> None:
    """Fill in the first form that a stranger sees, and send it."""
    page.goto(f"{SITE}{panel.config.path}/login")
    page.locator("#username").fill(username)
    page.locator("#password").fill(password)
    page.locator("main button.primary").click()
    # Measures of a page whose style has not come yet would be wrong.
    page.wait_for_load_state()
