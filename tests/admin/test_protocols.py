from dataclasses import replace

import pytest

from panel.protocols import PROTOCOLS, engine_view, open_protocols, wireguard_addresses
from panel.store.models import User
from panel.users import credentials
from tests.admin.users.facts import SERVER


@pytest.fixture
def user() -> User:
    return User(id=17, status="active", secrets=credentials.make(), closed_protocols=[], wireguard_number=6)


def test_engines_are_told_secrets_as_their_agents_read_them(user: User) -> None:
    secrets = user.secrets
    direct, tunnel = secrets["wireguard"], secrets["wireguardWebsocket"]
    assert engine_view(user, "xray", SERVER) == {name: secrets[name] for name in ("vlessReality", "vlessWebsocket")}
    assert engine_view(user, "trojan", SERVER) == {"trojan": secrets["trojan"]}
    assert engine_view(user, "singbox", SERVER) == {name: secrets[name] for name in ("shadowtls", "hysteria2", "tuic")}
    assert engine_view(user, "wireguard", SERVER) == {
        "wireguard": f"{direct['public']} {direct['preshared']} 10.66.66.6,fd9c:3b1e:7a20:2::6",
        "wireguardWebsocket": f"{tunnel['public']} {tunnel['preshared']} 10.66.66.7,fd9c:3b1e:7a20:2::7 "
                              f"{tunnel['password']}"}


def test_no_engine_is_told_a_private_key(user: User) -> None:
    told = str(engine_view(user, "wireguard", SERVER))
    assert user.secrets["wireguard"]["private"] not in told
    assert user.secrets["wireguardWebsocket"]["private"] not in told


@pytest.mark.parametrize("status", ["disabled", "expired", "limited", "deleted"])
def test_no_engine_knows_a_user_who_is_not_active(user: User, status: str) -> None:
    user.status = status
    assert [engine_view(user, engine, SERVER) for engine in ("xray", "trojan", "singbox", "wireguard")] == [None] * 4


def test_an_engine_whose_protocols_are_all_closed_does_not_know_the_user(user: User) -> None:
    user.closed_protocols = ["shadowtls", "hysteria2", "tuic", "vlessReality"]
    assert engine_view(user, "singbox", SERVER) is None
    assert engine_view(user, "xray", SERVER) == {"vlessWebsocket": user.secrets["vlessWebsocket"]}


def test_without_addresses_there_is_no_wireguard(user: User) -> None:
    user.wireguard_number = None
    assert engine_view(user, "wireguard", SERVER) is None
    assert set(open_protocols(user, SERVER)) == PROTOCOLS.keys() - {"wireguard", "wireguardWebsocket"}


def test_a_subnet_that_was_made_smaller_has_no_address_for_those_beyond_it(user: User) -> None:
    small = replace(SERVER, wireguard_subnet="10.66.66.0/29")
    assert wireguard_addresses(small, user, "wireguard") == ("10.66.66.6", "fd9c:3b1e:7a20:2::6")
    assert wireguard_addresses(small, user, "wireguardWebsocket") is None
