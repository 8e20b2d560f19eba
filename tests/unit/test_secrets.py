import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pulumi
import pytest

from components.configs.plan import Plan
from components.keys import XrayKeys
from components.links import client_links
from components.secrets import Secrets
from tests.engine import PASSWORD, RandomEngine
from tests.settings import load

PLAN = Plan.of("vpn.example.com", "172.20.0.0/16", "10.66.66.0/24")
KEYS = XrayKeys.from_seed("seed")


def test_every_random_value_is_a_password_and_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    protected: list[bool | None] = []
    make = pulumi.ResourceOptions.__init__

    def remember(self: pulumi.ResourceOptions, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if kwargs.get("protect") is not None:
            protected.append(kwargs["protect"])

    monkeypatch.setattr(pulumi.ResourceOptions, "__init__", remember)
    engine = RandomEngine()
    engine.deploy(lambda: Secrets("secrets", "vpn.example.com"))
    passwords = [item for item in engine.resources if item.kind == PASSWORD]
    assert {item.kind for item in engine.resources} == {PASSWORD, "stealth-vpn:random:Secrets"}
    assert len(passwords) == 7
    assert protected == [True] * 7
    assert all(item.inputs["length"] >= 24 and item.inputs["special"] is False for item in passwords)


def test_every_output_is_secret_and_differs_from_the_others() -> None:
    found: dict[str, bool] = {}

    async def look(made: Secrets) -> bool:
        for name in Secrets.__annotations__:
            found[name] = await getattr(made, name).is_secret()
        return True

    def program() -> pulumi.Output[bool]:
        return pulumi.Output.from_input(look(Secrets("secrets", "vpn.example.com")))

    RandomEngine().deploy(program)
    assert found == dict.fromkeys(Secrets.__annotations__, True)


def test_no_other_random_resource_is_used_anywhere() -> None:
    sources = (Path(__file__).parents[2] / "components").rglob("*.py")
    used = {match for path in sources for match in re.findall(r"random\.(Random\w+)\(", path.read_text())}
    assert used == {"RandomPassword"}


def parsed(link: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}


def test_the_reality_link_holds_what_a_client_needs() -> None:
    link = client_links(load(), PLAN, KEYS)["vlessReality"]
    assert (urlsplit(link).username, urlsplit(link).port) == (KEYS.vision_id, 443)
    assert parsed(link) == {
        "encryption": "none", "security": "reality", "type": "tcp", "flow": "xtls-rprx-vision",
        "sni": "cdn.vpn.example.com", "fp": "chrome", "pbk": KEYS.reality_public_key, "sid": KEYS.short_id}


def test_the_websocket_link_encodes_its_path_and_names_the_site() -> None:
    link = client_links(load(httpsPort=8443), PLAN, KEYS)["vlessWebsocket"]
    assert f"path=%2F{KEYS.websocket_path[1:]}" in link
    assert (parsed(link)["host"], urlsplit(link).port) == ("www.vpn.example.com", 8443)


def test_the_server_s_own_keys_are_in_no_link() -> None:
    assert KEYS.reality_private_key not in str(client_links(load(), PLAN, KEYS))


def test_minimal_mode_has_no_client() -> None:
    assert client_links(load(mode="minimal"), PLAN, KEYS) == {}
