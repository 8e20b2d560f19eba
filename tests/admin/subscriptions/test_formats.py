import base64
import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from panel.config import ServerFacts
from panel.protocols import PROTOCOLS
from panel.store.models import User
from panel.subscriptions import every_way
from panel.subscriptions.access import Told
from panel.subscriptions.formats import FORMATS, preferred
from panel.subscriptions.links import share_links
from tests.admin.subscriptions.people import FEW, NAMES, SECRETS, user
from tests.admin.subscriptions.test_links import LINKED

TITLES = [PROTOCOLS[name].title for name in LINKED]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def made(name: str, server: ServerFacts, of: User) -> Any:
    text = FORMATS[name].render(Told.of(server), of)
    return yaml.safe_load(text) if name == "mihomo" else json.loads(text)


def walk(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(found for one in inner for found in walk(one))]


def test_links_are_the_encoded_lines_of_plain(server: ServerFacts) -> None:
    plain = FORMATS["plain"].render(Told.of(server), user())
    assert plain.splitlines() == list(share_links(server, user()).values())
    assert base64.b64decode(FORMATS["links"].render(Told.of(server), user()), validate=True).decode() == plain


def test_json_maps_each_protocol_to_its_link_or_file(server: ServerFacts) -> None:
    assert made("json", server, user()) == every_way(server, user())


def test_sing_box_has_every_way_in_one_choice_and_asks_for_names_in_the_tunnel(server: ServerFacts) -> None:
    file = made("sing-box", server, user())
    by_tag = {outbound["tag"]: outbound for outbound in file["outbounds"]}
    assert by_tag["Auto"]["outbounds"] == TITLES
    assert by_tag["Proxy"]["outbounds"] == ["Auto", *TITLES]
    assert file["dns"]["servers"][0] == {"type": "udp", "tag": "beyond", "server": "1.1.1.1", "detour": "Proxy"}
    assert {"protocol": "dns", "action": "hijack-dns"} in file["route"]["rules"]
    assert file["route"]["final"] == "Proxy"


def test_sing_box_listens_nowhere(server: ServerFacts) -> None:
    # Any program of a phone could ask a port there where its owner's traffic comes out.
    assert [inbound["type"] for inbound in made("sing-box", server, user())["inbounds"]] == ["tun"]


def test_mihomo_has_every_way_in_our_order(server: ServerFacts) -> None:
    file = made("mihomo", server, user())
    assert [proxy["name"] for proxy in file["proxies"]] == TITLES
    assert [group["proxies"] for group in file["proxy-groups"]] == [["Auto", *TITLES], TITLES]
    assert file["dns"]["nameserver"] == ["1.1.1.1#Proxy", "8.8.8.8#Proxy"]
    assert file["rules"][-1] == "MATCH,Proxy"


def test_mihomo_looks_like_chrome_where_it_can(server: ServerFacts) -> None:
    proxies = {proxy["name"]: proxy for proxy in made("mihomo", server, user())["proxies"]}
    # Not for Trojan, which a browser that offers HTTP/2 cannot reach, nor for those on QUIC.
    assert [title for title in TITLES if proxies[title].get("client-fingerprint") == "chrome"] == [
        TITLES[0], TITLES[1], TITLES[3]]
    assert proxies[TITLES[0]]["reality-opts"]["support-x25519mlkem768"] is True


@pytest.mark.parametrize("secret", ["12e5", "0o17", "1_000", "true", "~", "null"])
def test_mihomo_cannot_take_a_secret_for_a_number(server: ServerFacts, secret: str) -> None:
    # PyYAML and Go's YAML differ in what they take for one.
    brought = user(secrets=SECRETS | {"trojan": secret})
    text = FORMATS["mihomo"].render(Told.of(server), brought)
    assert re.search(rf"password: ([\"']){secret}\1\n", text)


def test_xray_has_the_three_that_all_its_versions_speak(server: ServerFacts) -> None:
    file = made("xray", server, user())
    assert [outbound["tag"] for outbound in file["outbounds"]] == [
        "proxy-vlessReality", "proxy-vlessWebsocket", "proxy-trojan", "direct", "refuse"]
    assert file["remarks"] == "alice@example.com"
    assert file["routing"]["balancers"][0]["fallbackTag"] == "proxy-vlessReality"
    assert {inbound["listen"] for inbound in file["inbounds"]} == {"127.0.0.1"}


@pytest.mark.parametrize("name", ["sing-box", "mihomo", "xray"])
def test_trojan_offers_http_1_1_alone(server: ServerFacts, name: str) -> None:
    alone = [value for value in walk(made(name, server, user())) if isinstance(value, dict)
             and value.get("alpn") == ["http/1.1"] and "app.example.com" in str(value)]
    assert alone


@pytest.mark.parametrize("name", ["sing-box", "mihomo", "xray"])
def test_the_private_root_is_in_the_file_and_nobody_else_is_trusted(server: ServerFacts, name: str) -> None:
    text = FORMATS[name].render(Told.of(server), user())
    assert "-----BEGIN CERTIFICATE-----" in text
    assert not [word for word in ("insecure", "skip-cert-verify") if word in text.lower()]


@pytest.mark.parametrize("name", ["sing-box", "mihomo", "xray"])
@pytest.mark.parametrize("changes", [{"status": "expired"}, {"closed_protocols": list(PROTOCOLS)}], ids=str)
def test_without_an_open_protocol_the_file_is_whole_and_lets_nothing_out(
    server: ServerFacts, name: str, changes: dict[str, Any],
) -> None:
    file, text = made(name, server, user(**changes)), FORMATS[name].render(Told.of(server), user(**changes))
    assert not [secret for secret in walk(SECRETS) if isinstance(secret, str) and secret in text]
    if name == "mihomo":
        assert (file["proxies"], file["proxy-groups"]) == (
            [], [{"name": "Proxy", "type": "select", "proxies": ["REJECT"]}])
    elif name == "sing-box":
        assert file["route"]["rules"][-1] == {"action": "reject"}
    else:
        assert file["routing"]["rules"][-1] == {"type": "field", "network": "tcp,udp", "outboundTag": "refuse"}


def test_without_an_open_protocol_links_are_an_empty_text(server: ServerFacts) -> None:
    assert [FORMATS[name].render(Told.of(server), user(status="disabled")) for name in ("links", "plain", "json")] == [
        "", "", "{}"]


@settings(FEW)
@given(name=NAMES)
def test_whatever_a_user_s_name_every_file_can_be_read(server: ServerFacts, name: str) -> None:
    assert made("xray", server, user(name=name))["remarks"] == f"{name}@example.com"
    for form in ("sing-box", "mihomo", "json"):
        assert made(form, server, user(name=name))


@settings(FEW)
@given(secret=NAMES)
def test_whatever_a_password_an_import_brought_every_file_has_it(server: ServerFacts, secret: str) -> None:
    brought = user(secrets=SECRETS | {"trojan": secret, "hysteria2": secret})
    assert [walk(made(form, server, brought)).count(secret) >= ways
            for form, ways in {"sing-box": 2, "mihomo": 2, "xray": 1}.items()] == [True] * 3


# As the programs' own sources and users' reports have them.
AGENTS = {
    "clash-verge/v2.4.2": "mihomo",
    "ClashX Meta/v1.4.24 (com.metacubex.ClashX.meta; build:622; macOS 26.0.0) Alamofire/5.10.2": "mihomo",
    "ClashMetaForAndroid/2.11.14.Meta": "mihomo",
    "FlClash/v0.8.87 clash-verge Platform/android": "mihomo",
    "mihomo/1.19.23": "mihomo",
    "Stash/3.1.1 Clash/1.9.0": "mihomo",
    "NekoBox/Android/1.3.9 (Prefer ClashMeta Format)": "mihomo",
    "SFA/1.12.8 (Build 580; sing-box 1.12.8; language en_US)": "sing-box",
    "SFI/1.12.4 (Build 1; sing-box 1.12.4; language fa)": "sing-box",
    "SFM/1.13.1 (Build 7; sing-box 1.13.1; language zh_Hans)": "sing-box",
    "sing-box 1.13.11": "sing-box",
    "HiddifyNext/2.5.7 (android) like ClashMeta v2ray sing-box": "links",
    "io.github.saeeddev94.xray/11.3.0": "xray",
    "v2rayNG/1.10.24": "links",
    "v2rayN/7.15.0": "links",
    "Shadowrocket/2070 CFNetwork/1568.300.101 Darwin/24.2.0": "links",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 8_4 like Mac OS X) AppleWebKit/600.1.4 Mobile/12H143 Safari/600.1.4": "links",
    "Happ/3.8.1": "links",
    "Streisand/1.6 CFNetwork/1474 Darwin/23.0.0": "links",
    "curl/8.14.1": "links",
    "": "links",
}


@pytest.mark.parametrize(("agent", "form"), AGENTS.items())
def test_a_program_gets_the_form_that_it_reads(agent: str, form: str) -> None:
    assert preferred(agent, "*/*") == form


def test_a_browser_gets_the_page() -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
    assert preferred(agent, BROWSER) == "page"
    assert preferred("", "text/html") == "page"
