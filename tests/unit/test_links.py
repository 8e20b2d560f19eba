import pytest

from components.configs.plan import Plan
from components.keys import PanelKeys
from components.links import subscription_url
from tests.settings import load

PLAN = Plan.of("vpn.example.com", "172.20.0.0/16", "10.66.66.0/24")
KEYS = PanelKeys.from_seed("seed")


@pytest.mark.parametrize(("port", "start"), [
    (443, "https://www.vpn.example.com/"), (8443, "https://www.vpn.example.com:8443/")])
def test_the_first_user_s_link_is_below_the_secret_path_and_cannot_be_guessed(port: int, start: str) -> None:
    link = subscription_url(load(httpsPort=port), PLAN, KEYS)
    assert link.startswith(f"{start.rstrip('/')}{KEYS.subscription_path}/")
    token = link.rpartition("/")[2]
    assert len(token) == 43, "32 bytes in base64url"
    assert token != subscription_url(load(), PLAN, PanelKeys.from_seed("other")).rpartition("/")[2]
