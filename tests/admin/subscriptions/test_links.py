import base64
import configparser
import dataclasses
import json
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given, settings

from panel.config import ServerFacts
from panel.protocols import PROTOCOLS
from panel.subscriptions import every_way
from panel.subscriptions.links import share_links
from tests.admin.subscriptions.people import FEW, NAMES, SECRETS, user

LINKED = ("vlessReality", "vlessWebsocket", "trojan", "shadowtls", "hysteria2", "tuic")


def parsed(link: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(link).query, strict_parsing=True).items()}


def test_there_is_one_way_in_for_each_of_the_eight_protocols(server: ServerFacts) -> None:
    assert list(every_way(server, user())) == list(PROTOCOLS)


@pytest.mark.parametrize("status", ["disabled", "expired", "limited", "deleted"])
def test_who_may_use_nothing_gets_nothing(server: ServerFacts, status: str) -> None:
    assert every_way(server, user(status=status)) == {}


def test_a_closed_protocol_is_left_out(server: ServerFacts) -> None:
    closed = ["trojan", "wireguard"]
    assert set(every_way(server, user(closed_protocols=closed))) == set(PROTOCOLS) - set(closed)


def test_without_addresses_there_is_no_wireguard(server: ServerFacts) -> None:
    assert tuple(every_way(server, user(wireguard_number=None))) == LINKED


def test_the_reality_link_holds_what_a_client_needs(server: ServerFacts) -> None:
    link = share_links(server, user())["vlessReality"]
    assert (urlsplit(link).username, urlsplit(link).port) == (SECRETS["vlessReality"], 443)
    assert parsed(link) == {
        "encryption": "none", "security": "reality", "type": "tcp", "flow": "xtls-rprx-vision",
        "sni": "cdn.example.com", "fp": "chrome", "pbk": server.reality_public_key, "sid": server.reality_short_id}


def test_the_websocket_link_encodes_its_path_and_names_the_site(server: ServerFacts) -> None:
    link = share_links(dataclasses.replace(server, port=8443), user())["vlessWebsocket"]
    assert f"path=%2F{server.websocket_path[1:]}" in link
    assert (parsed(link)["host"], urlsplit(link).port) == ("www.example.com", 8443)


def test_trojan_offers_http_1_1_alone(server: ServerFacts) -> None:
    link = share_links(server, user())["trojan"]
    assert (urlsplit(link).username, urlsplit(link).hostname) == (SECRETS["trojan"], "app.example.com")
    assert (parsed(link)["alpn"], parsed(link)["sni"]) == ("http/1.1", "app.example.com")


def test_the_shadowtls_link_carries_both_keys_and_its_plugin(server: ServerFacts) -> None:
    link = share_links(server, user())["shadowtls"]
    assert unquote(link.removeprefix("ss://").split("@")[0]) == (
        f"2022-blake3-aes-128-gcm:{server.shadowsocks_server_key}:{SECRETS['shadowtls']}")
    assert json.loads(base64.b64decode(parsed(link)["shadow-tls"])) == {
        "version": "3", "host": "img.example.com", "password": server.shadowtls_password}


def test_quic_links_name_their_server_and_user(server: ServerFacts) -> None:
    hysteria, tuic = (urlsplit(share_links(server, user())[name]) for name in ("hysteria2", "tuic"))
    assert (hysteria.hostname, hysteria.username) == ("q.example.com", SECRETS["hysteria2"])
    assert (tuic.hostname, f"{tuic.username}:{tuic.password}") == ("t.example.com", SECRETS["tuic"])


def wireguard_file(server: ServerFacts, name: str) -> configparser.ConfigParser:
    file = configparser.ConfigParser()
    file.read_string(every_way(server, user())[name])
    return file


def test_the_wireguard_file_sends_everything_to_the_public_port(server: ServerFacts) -> None:
    file = wireguard_file(server, "wireguard")
    assert file["Interface"]["PrivateKey"] == SECRETS["wireguard"]["private"]
    assert file["Interface"]["Address"] == "10.66.66.2/32, fd9c:3b1e:7a20:2::2/128"
    assert file["Interface"]["DNS"] == "1.1.1.1, 8.8.8.8"
    # Both families in any case, so that none leaks beside the tunnel.
    assert file["Peer"]["AllowedIPs"] == "0.0.0.0/0, ::/0"
    assert file["Peer"]["PublicKey"] == server.wireguard_public_key
    assert file["Peer"]["Endpoint"] == "www.example.com:443"
    # The client knows its line, and we do not.
    assert "MTU" not in file["Interface"]


def test_over_websocket_the_file_says_the_command_that_carries_it(server: ServerFacts) -> None:
    file = wireguard_file(server, "wireguardWebsocket")
    assert (file["Peer"]["Endpoint"], file["Interface"]["MTU"]) == ("127.0.0.1:51821", "1280")
    # A peer of its own: two tunnels by one key would take each other's packets.
    assert file["Interface"]["PrivateKey"] == SECRETS["wireguardWebsocket"]["private"]
    assert file["Interface"]["Address"] == "10.66.66.3/32, fd9c:3b1e:7a20:2::3/128"
    auth, command = every_way(server, user())["wireguardWebsocket"].splitlines()[:2]
    assert auth == f"# AUTH=u17:{SECRETS['wireguardWebsocket']['password']}"
    assert command == ("# chisel client --tls-ca authority.crt --max-retry-interval 1s "
                       f"https://www.example.com:443{server.tunnel_path} 127.0.0.1:51821:172.20.0.14:51820/udp")


def test_where_everybody_knows_the_authority_the_command_names_none(server: ServerFacts) -> None:
    public = dataclasses.replace(server, authority="")
    assert "# chisel client --max-retry-interval 1s https://" in every_way(public, user())["wireguardWebsocket"]


@settings(FEW)
@given(name=NAMES)
def test_whatever_a_user_s_name_the_links_can_be_read_back(server: ServerFacts, name: str) -> None:
    made = user(name=name)
    for protocol, link in share_links(server, made).items():
        split = urlsplit(link)
        assert link.isascii()
        assert not set(link) & set(" \n\"'<>\\")
        assert unquote(split.fragment) == f"{PROTOCOLS[protocol].title} {name}@example.com"
        assert unquote(split.netloc).partition("@")[0].endswith(SECRETS[protocol])


@settings(FEW)
@given(secret=NAMES)
def test_whatever_a_password_an_import_brought_it_can_be_read_back(server: ServerFacts, secret: str) -> None:
    made = user(secrets=SECRETS | {"trojan": secret, "hysteria2": secret})
    for protocol, link in share_links(server, made).items():
        if protocol in ("trojan", "hysteria2"):
            assert unquote(urlsplit(link).username or "") == secret
