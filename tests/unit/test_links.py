import base64
import configparser
import dataclasses
import json
from urllib.parse import parse_qs, unquote, urlsplit

from components.configs.plan import Plan
from components.keys import SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from components.links import ClientKeys, client_links
from tests.settings import load

PLAN = Plan.of("vpn.example.com", "172.20.0.0/16", "10.66.66.0/24")
KEYS = ClientKeys(
    xray=XrayKeys.from_seed("seed"), trojan=TrojanKeys.from_seed("seed"), singbox=SingboxKeys.from_seed("seed"),
    wireguard=WireguardKeys.from_seed("seed"))
# What stays on the server.
SERVER_ONLY = ("reality_private_key", "private_key", "clash_secret")


def links(**changes: object) -> dict[str, str]:
    return client_links(load(**changes), PLAN, KEYS)


def parsed(link: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}


def test_there_is_one_way_in_for_each_of_the_eight_protocols() -> None:
    assert set(links()) == {"vlessReality", "vlessWebsocket", "trojan", "shadowtls", "hysteria2", "tuic", "wireguard",
                            "wireguardWebsocket"}


def test_the_reality_link_holds_what_a_client_needs() -> None:
    link = links()["vlessReality"]
    assert (urlsplit(link).username, urlsplit(link).port) == (KEYS.xray.vision_id, 443)
    assert parsed(link) == {
        "encryption": "none", "security": "reality", "type": "tcp", "flow": "xtls-rprx-vision",
        "sni": "cdn.vpn.example.com", "fp": "chrome", "pbk": KEYS.xray.reality_public_key, "sid": KEYS.xray.short_id}


def test_the_websocket_link_encodes_its_path_and_names_the_site() -> None:
    link = links(httpsPort=8443)["vlessWebsocket"]
    assert f"path=%2F{KEYS.xray.websocket_path[1:]}" in link
    assert (parsed(link)["host"], urlsplit(link).port) == ("www.vpn.example.com", 8443)


def test_the_shadowtls_link_carries_both_keys_and_its_plugin() -> None:
    link = links()["shadowtls"]
    assert unquote(link.removeprefix("ss://").split("@")[0]) == (
        f"2022-blake3-aes-128-gcm:{KEYS.singbox.shadowsocks_server_key}:{KEYS.singbox.shadowsocks_user_key}")
    assert json.loads(base64.b64decode(parsed(link)["shadow-tls"])) == {
        "version": "3", "host": "img.vpn.example.com", "password": KEYS.singbox.shadowtls_password}


def test_quic_links_name_their_server_and_user() -> None:
    hysteria, tuic = urlsplit(links()["hysteria2"]), urlsplit(links()["tuic"])
    assert (hysteria.hostname, hysteria.username) == ("q.vpn.example.com", KEYS.singbox.hysteria_password)
    assert (tuic.hostname, tuic.username, tuic.password) == (
        "t.vpn.example.com", KEYS.singbox.tuic_id, KEYS.singbox.tuic_password)


def wireguard_file(name: str) -> configparser.ConfigParser:
    file = configparser.ConfigParser()
    file.read_string(links()[name])
    return file


def test_the_wireguard_file_sends_everything_to_the_public_port() -> None:
    file = wireguard_file("wireguard")
    assert file["Interface"]["PrivateKey"] == KEYS.wireguard.peer.private_key
    assert file["Interface"]["Address"] == "10.66.66.2/32, fd9c:3b1e:7a20:2::2/128"
    # Both families in any case, so that none leaks beside the tunnel.
    assert file["Peer"]["AllowedIPs"] == "0.0.0.0/0, ::/0"
    assert file["Peer"]["PublicKey"] == KEYS.wireguard.public_key
    assert file["Peer"]["Endpoint"] == "www.vpn.example.com:443"
    # The client knows its line, and we do not.
    assert "MTU" not in file["Interface"]


def test_over_websocket_the_file_says_the_command_that_carries_it() -> None:
    file = wireguard_file("wireguardWebsocket")
    assert (file["Peer"]["Endpoint"], file["Interface"]["MTU"]) == ("127.0.0.1:51821", "1280")
    # A peer of its own: two tunnels by one key would take each other's packets.
    assert file["Interface"]["PrivateKey"] == KEYS.wireguard.websocket_peer.private_key
    assert file["Interface"]["Address"] == "10.66.66.3/32, fd9c:3b1e:7a20:2::3/128"
    text = links()["wireguardWebsocket"]
    path = KEYS.wireguard.websocket_path
    assert f"# chisel client https://www.vpn.example.com:443{path} 127.0.0.1:51821:172.20.0.14:51820/udp" in text
    assert KEYS.wireguard.websocket_password not in text.split("# chisel")[1]


def test_what_only_the_server_may_know_is_in_no_link() -> None:
    text = json.dumps(links())
    for keys in (KEYS.xray, KEYS.trojan, KEYS.singbox, KEYS.wireguard):
        for name in {field.name for field in dataclasses.fields(keys)} & set(SERVER_ONLY):
            assert getattr(keys, name) not in text, name


def test_minimal_mode_has_no_client() -> None:
    assert links(mode="minimal") == {}
