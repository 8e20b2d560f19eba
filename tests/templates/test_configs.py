import configparser
import inspect
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import jinja2
import pytest
from jinja2 import meta

from components import host, rendering, rotations
from components.configs import admin, agent, caddy, egress, front, ports, singbox, trojan, tunnel, wireguard, xray
from components.configs.plan import Plan
from components.keys import PanelKeys, SingboxKeys, TrojanKeys, WireguardKeys, XrayKeys
from components.rotations import Rotation, Rotations
from components.settings import Settings
from ops.probe import reference
from tests.settings import load

PLAN = Plan.of("example.com", "172.20.0.0/16", "10.66.66.0/24")
XRAY, TROJAN = XrayKeys.from_seed("seed"), TrojanKeys.from_seed("seed")
SINGBOX = SingboxKeys.from_seed("seed")
WIREGUARD, PANEL = WireguardKeys.from_seed("seed"), PanelKeys.from_seed("seed")
# What is no text.
_MAPS = {"scripts": {"lib.sh": "value"}}
HOSTILE = '"}\\ {$ENV} {{ 7 * 7 }} </script> é'
TEMPLATES = sorted(str(path.relative_to(rendering.TEMPLATES)) for path in rendering.TEMPLATES.rglob("*.j2"))


def caddyfile(**changes: object) -> str:
    return caddy.files(load(**changes), PLAN, XRAY, SINGBOX, WIREGUARD, PANEL)["Caddyfile"]


def front_options(**changes: object) -> dict[str, str]:
    """Return the options of the UDP front by name, without the command behind them."""
    words = front.command(load(**changes), PLAN)
    options = words[:words.index("--")]
    return dict(zip(options[::2], options[1::2], strict=True))


def xray_config(**changes: object) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(xray.files(load(**changes), PLAN, XRAY)["config.json"])
    return config


def trojan_config(**changes: object) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(trojan.files(load(**changes), PLAN, TROJAN)["config.json"])
    return config


def singbox_config(**changes: object) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(singbox.files(load(**changes), PLAN, SINGBOX)["config.json"])
    return config


def variables(template: str) -> set[str]:
    text = (rendering.TEMPLATES / template).read_text()
    return meta.find_undeclared_variables(rendering.ENVIRONMENT.parse(text))


@pytest.mark.parametrize(
    ("template", "missing"), [(name, variable) for name in TEMPLATES for variable in sorted(variables(name))])
def test_a_template_without_one_of_its_values_is_refused(template: str, missing: str) -> None:
    values: dict[str, object] = {name: _MAPS.get(name, "value") for name in variables(template)}
    rendering.render(template, **values)
    del values[missing]
    with pytest.raises(jinja2.UndefinedError, match=missing):
        rendering.render(template, **values)


@pytest.mark.parametrize("template", [name for name in TEMPLATES if name.endswith(".json.j2")])
def test_no_value_breaks_out_of_a_json_string(template: str) -> None:
    # Numbers are checked by Settings; every other value may be anything.
    numbers = {"port"} | {name for name in variables(template)
                          if name.endswith(("_port", "_seconds", "_rate"))}
    if template.startswith("trojan/"):
        numbers.add("log_level")
    values: dict[str, Any] = dict.fromkeys(variables(template), HOSTILE) | dict.fromkeys(numbers, 1)
    parsed = json.loads(rendering.render(template, **values))
    assert HOSTILE in _strings(parsed)


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for entry in value.values() for text in _strings(entry)]
    if isinstance(value, list):
        return [text for entry in value for text in _strings(entry)]
    return [value] if isinstance(value, str) else []


def test_every_template_is_rendered_by_a_configuration() -> None:
    rendered = set()
    for module in (admin, agent, caddy, egress, host, singbox, trojan, tunnel, wireguard, xray, reference):
        rendered |= set(re.findall(r'"(\w+/[\w.-]+\.j2)"', inspect.getsource(module)))
    assert rendered == set(TEMPLATES)


def test_xray_takes_the_client_s_address_and_measures_the_cover_site() -> None:
    vision, websocket = xray_config()["inbounds"]
    stream = vision["streamSettings"]
    assert stream["rawSettings"] == {"acceptProxyProtocol": True}
    assert stream["realitySettings"]["target"] == f"172.20.0.10:{ports.COVER_TLS}"
    assert stream["realitySettings"]["serverNames"] == ["cdn.example.com"]
    assert (vision["port"], websocket["port"]) == (8001, 8004)


def test_xray_has_no_interface_of_its_own_and_gets_its_users_from_the_agent() -> None:
    config = xray_config()
    assert "api" not in config
    assert [inbound["tag"] for inbound in config["inbounds"]] == ["vlessReality", "vlessWebsocket"]
    assert [inbound["settings"]["clients"] for inbound in config["inbounds"]] == [[], []]


def test_trojan_has_no_interface_of_its_own_and_gets_its_users_from_the_agent() -> None:
    assert {"api", "password"} & set(trojan_config()) == set()
    assert json.loads(trojan.files(load(), PLAN, TROJAN)["agent.json"]) == {
        "listen": "172.21.0.12:8020", "token": TROJAN.agent_token, "users": "/var/lib/trojan/users.json"}


def test_singbox_has_no_interface_of_its_own_and_gets_its_users_from_the_agent() -> None:
    config = singbox_config()
    assert "experimental" not in config
    shadowtls, *live = config["inbounds"]
    assert shadowtls["users"] == [{"name": "all", "password": SINGBOX.shadowtls_password}]
    assert [inbound["type"] for inbound in live if "users" not in inbound] == ["shadowsocks", "hysteria2", "tuic"]
    assert json.loads(singbox.files(load(), PLAN, SINGBOX)["agent.json"]) == {
        "listen": "172.21.0.13:8020", "token": SINGBOX.agent_token, "users": "/var/lib/singbox/users.json"}


# The IANA special-purpose registries (RFC 6890) without the documentation's ranges, and what they do not list.
NOT_PUBLIC = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    "::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
    "2001::/23", "2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2002::/16", "5f00::/16", "fc00::/7",
    "fe80::/10", "fec0::/10", "ff00::/8"]
PUBLIC = ["1.1.1.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:4860:4860::8888", "2606:4700:4700::1111",
          "2001:db8::1", "2a00:1450::1"]


def holds(networks: Iterable[str], network: str) -> bool:
    inner = ip_network(network)
    return any(inner.version == outer.version and inner.overlaps(outer) and inner.prefixlen >= outer.prefixlen
               for outer in map(ip_network, networks))


@pytest.mark.parametrize("network", NOT_PUBLIC)
def test_what_is_not_the_public_internet_is_refused(network: str) -> None:
    assert holds(egress.REFUSED_NETWORKS, network)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_and_the_documentation_s_ranges_are_not_refused(address: str) -> None:
    assert not holds(egress.REFUSED_NETWORKS, address)


@pytest.mark.parametrize("files", [
    lambda settings: xray.files(settings, PLAN, XRAY), lambda settings: trojan.files(settings, PLAN, TROJAN),
    lambda settings: singbox.files(settings, PLAN, SINGBOX)], ids=["xray", "trojan", "singbox"])
def test_each_daemon_gets_the_egress_guard_s_rules(files: Callable[[Settings], dict[str, str]]) -> None:
    changes = {"egressAllow": ["192.168.10.0/24"], "egressRefuse": ["9.9.9.9"], "dnsServers": ["8.8.4.4"]}
    assert json.loads(files(load(**changes))["egress.json"]) == {
        "allow": ["192.168.10.0/24"], "refuse": [*egress.REFUSED_NETWORKS, "9.9.9.9/32"], "resolvers": ["8.8.4.4"]}


def test_singbox_has_no_way_out_but_the_guarded_one() -> None:
    config = singbox_config()
    assert config["outbounds"] == [{"type": "egress", "tag": "egress", "rules": "/etc/stealth/egress.json"}]
    assert config["route"] == {"final": "egress"}


def test_ports_of_the_settings_reach_the_daemons_and_caddy() -> None:
    changes = {"xrayVisionPort": 9001, "trojanPort": 9002, "singboxTuicPort": 9006}
    assert xray_config(**changes)["inbounds"][0]["port"] == 9001
    assert trojan_config(**changes)["local_port"] == 9002
    assert singbox_config(**changes)["inbounds"][3]["listen_port"] == 9006
    for upstream in ("reality cdn.example.com 172.20.0.11:9001\n", "trojan app.example.com 172.20.0.12:9002\n"):
        assert upstream in caddyfile(**changes)
    assert front_options(**changes)["-tuic"] == "172.20.0.13:9006"


@pytest.mark.parametrize(
    ("level", "expected"), [("WARNING", ("warning", 2, "warn")), ("DEBUG", ("debug", 0, "debug"))])
def test_each_daemon_gets_the_log_level_in_its_own_words(level: str, expected: tuple[str, int, str]) -> None:
    found = (xray_config(logLevel=level)["log"]["loglevel"], trojan_config(logLevel=level)["log_level"],
             singbox_config(logLevel=level)["log"]["level"])
    assert found == expected


def test_who_is_meant_for_a_daemon_is_told_apart_around_the_tls_of_caddy_itself() -> None:
    wrappers = caddyfile().split("listener_wrappers {")[1].split("\n\t\t}\n")[0]
    assert wrappers.split("\n\t\t\t") == [
        "", "entrance {", "\treality cdn.example.com 172.20.0.11:8001",
        f'\tshadowtls img.example.com 172.20.0.13:8003 "{SINGBOX.shadowtls_password}"', "}", "tls",
        "trojan app.example.com 172.20.0.12:8002"]


OVERLAPPING = Rotations(made={name: Rotation(generation=2, rotated_at=datetime(2026, 11, 30, tzinfo=UTC),
                                             overlap_until=datetime(2026, 12, 7, tzinfo=UTC))
                              for name in rotations.OVERLAPPING})


def test_while_rotations_overlap_each_daemon_takes_what_was_before_too() -> None:
    xray_keys, tunnel = XrayKeys.from_seed("seed", OVERLAPPING), WireguardKeys.from_seed("seed", OVERLAPPING)
    tls, panel = SingboxKeys.from_seed("seed", OVERLAPPING), PanelKeys.from_seed("seed", OVERLAPPING)
    (vision, _) = json.loads(xray.files(load(), PLAN, xray_keys)["config.json"])["inbounds"]
    assert vision["streamSettings"]["realitySettings"]["shortIds"] == [xray_keys.short_id, XRAY.short_id]
    shadowtls = json.loads(singbox.files(load(), PLAN, tls)["config.json"])["inbounds"][0]
    assert shadowtls["users"] == [{"name": "all", "password": tls.shadowtls_password},
                                  {"name": "former", "password": SINGBOX.shadowtls_password}]
    text = caddy.files(load(), PLAN, xray_keys, tls, tunnel, panel)["Caddyfile"]
    assert f'172.20.0.13:8003 "{tls.shadowtls_password}" "{SINGBOX.shadowtls_password}"\n' in text
    moved = dict(re.findall(r"^\turi @former\d path_regexp \^(/\w+) (/\w+)$", text, re.M))
    assert moved == {PANEL.path: panel.path, PANEL.subscription_path: panel.subscription_path,
                     XRAY.websocket_path: xray_keys.websocket_path, WIREGUARD.websocket_path: tunnel.websocket_path}
    assert {path for path in moved if f" path {path} {path}/*\n" in text} == set(moved)
    (secret,) = re.findall(r"@secret path (.+)\n", text)
    assert set(secret.split()) == {
        xray_keys.websocket_path, tunnel.websocket_path, f"{panel.subscription_path}/*",
        XRAY.websocket_path, WIREGUARD.websocket_path, f"{PANEL.subscription_path}/*"}
    minimal = caddy.files(load(mode="minimal"), PLAN, xray_keys, tls, tunnel, panel)["Caddyfile"]
    assert minimal.count("uri @former") == 2


def test_caddy_keeps_what_each_generation_of_the_authority_has_signed_apart() -> None:
    assert caddyfile().count("ca local {") == 1
    rotated = {"authority": {"generation": 2, "rotatedAt": "2026-11-30T08:00:00+00:00"}}
    text = caddyfile(rotations=rotated)
    assert (text.count("ca local-2 {"), text.count("\t\tca local-2\n"), text.count("ca local ")) == (1, 1, 0)


def test_the_udp_front_shares_the_port_among_the_three_daemons_and_the_site() -> None:
    assert front_options(wireguardServerPort=51999, singboxHysteriaPort=9005) == {
        "-listen": ":443", "-site": f"127.0.0.1:{ports.COVER_QUIC}", "-wireguard": "172.20.0.14:51999",
        "-quic": "172.20.0.13:9005", "-quic-name": "q.example.com",
        "-tuic": "172.20.0.13:8006", "-tuic-name": "t.example.com", "-max-flows": "8192",
        "-status": f"127.0.0.1:{ports.FRONT_STATUS}", "-measured": "http://172.20.0.11:8009/measured"}


def test_in_minimal_mode_all_of_quic_is_the_site_s() -> None:
    assert front_options(mode="minimal") == {
        "-listen": ":443", "-site": f"127.0.0.1:{ports.COVER_QUIC}", "-max-flows": "8192",
        "-status": f"127.0.0.1:{ports.FRONT_STATUS}"}


def test_the_udp_front_is_the_only_way_to_udp_443() -> None:
    assert "udp/" not in caddyfile()
    assert re.search(r"servers :443 \{\n\s+protocols h1 h2\n", caddyfile())


def test_caddy_writes_down_neither_addresses_nor_who_asked_for_them() -> None:
    fields = caddyfile().split("format filter {")[1].split("fields {")[1].split("}")[0]
    assert fields.split("\n\t\t\t\t") == ["", "request delete", "headers delete", "uri delete\n\t\t\t"]


def test_the_udp_front_runs_caddy_on_the_rendered_file() -> None:
    caddy_itself = ["/usr/local/bin/caddy", "run", "--config", "/etc/stealth/Caddyfile", "--adapter", "caddyfile"]
    for mode in ("full", "minimal"):
        assert front.command(load(mode=mode), PLAN)[-7:] == ["--", *caddy_itself]


def test_the_udp_front_leaves_open_files_to_caddy() -> None:
    assert front_options(openFilesLimit=2048)["-max-flows"] == "1024"


def test_minimal_mode_names_no_daemon_but_the_panel() -> None:
    minimal = caddyfile(mode="minimal")
    assert "172.20.0.15:8010" in minimal
    assert not re.search(r"172\.20\.0\.1[234]:", minimal)
    assert "entrance" not in minimal
    assert "trojan" not in minimal


def test_public_certificates_are_asked_for_without_the_tls_challenge_that_a_route_would_swallow() -> None:
    public = caddyfile(tls="acme")
    assert "disable_tlsalpn_challenge" in public
    assert "internal" not in public
    assert "ca.key" not in public


def test_certificates_are_asked_for_at_the_directory_and_by_the_roots_that_are_configured() -> None:
    private = caddyfile(tls="acme", acmeDirectory="https://192.0.2.1:14000/dir", tlsRootFile="roots.pem")
    assert "cert_issuer acme https://192.0.2.1:14000/dir {\n\t\ttrusted_roots /etc/stealth/ca.crt\n" in private
    assert "trusted_roots /etc/ssl/certs/ca-certificates.crt" in caddyfile(tls="acme")


def test_with_files_caddy_asks_nobody_for_certificates() -> None:
    own = caddyfile(tls="files", tlsCertificateFile="chain.pem", tlsKeyFile="key.pem")
    assert "auto_https disable_redirects disable_certs" in own
    assert "tls /etc/stealth/tls.crt /etc/stealth/tls.key" in own
    assert "cert_issuer" not in own


@pytest.mark.parametrize(("directory", "folder"), [
    ("https://acme-v02.api.letsencrypt.org/directory", "acme-v02.api.letsencrypt.org-directory"),
    ("https://acme.zerossl.com/v2/DV90", "acme.zerossl.com-v2-dv90"),
    ("https://192.0.2.1:14000/dir/", "192.0.2.1-14000-dir"), ("https://ca.example.com", "ca.example.com")])
def test_the_folder_of_an_issuer_is_the_one_that_caddy_stores_in(directory: str, folder: str) -> None:
    assert front.issuer_folder(directory) == folder
    options = front_options(tls="acme", acmeDirectory=directory)
    assert options["-certificates-from"] == f"/data/caddy/certificates/{folder}"
    assert options["-certificates-of"] == "q.example.com,t.example.com"


@pytest.mark.parametrize(("tls", "pairs"), [
    ("acme", [f"/var/lib/certificates/{name}.example.com.{end}" for name in "qt" for end in ("pem", "key")]),
    ("files", ["/etc/stealth/cert.pem", "/etc/stealth/key.pem"] * 2),
    ("internal", ["/etc/stealth/cert.pem", "/etc/stealth/key.pem"] * 2)])
def test_sing_box_reads_the_certificate_of_each_of_its_names(tls: str, pairs: list[str]) -> None:
    inbounds = singbox_config(tls=tls, tlsCertificateFile="chain.pem", tlsKeyFile="key.pem")["inbounds"][2:]
    assert [inbound["tls"][key] for inbound in inbounds for key in ("certificate_path", "key_path")] == pairs


@pytest.mark.parametrize(("port", "suffix"), [(443, "{host}{uri}"), (8443, "{host}:8443{uri}")])
def test_plain_http_is_sent_to_the_public_port(port: int, suffix: str) -> None:
    assert f"header Location https://{suffix}\n\trespond 308" in caddyfile(httpsPort=port)


@pytest.mark.parametrize("port", [443, 8443])
def test_visitors_are_invited_to_http_3_on_the_public_port(port: int) -> None:
    (value,) = set(re.findall(r"Alt-Svc (.*)$", caddyfile(httpsPort=port), re.M))
    assert json.loads(value) == f'h3=":{port}"; ma=2592000'


@pytest.mark.parametrize(("mode", "labels"), [
    ("full", ("www", "cdn", "img", "app", "q", "t")), ("minimal", ("www",))])
def test_every_name_has_its_site_on_every_listener(mode: str, labels: tuple[str, ...]) -> None:
    text = caddyfile(mode=mode)
    for scheme, port in (("https", ""), ("https", f":{ports.COVER_QUIC}"), ("https", f":{ports.COVER_TLS}"),
                         ("http", f":{ports.COVER_PLAIN}")):
        found = re.findall(rf"\b{scheme}://(\w+)\.example\.com{port}(?=,| \{{)", text)
        assert sorted(found) == sorted(labels), port


def test_a_user_s_link_is_the_panel_s_to_answer_and_every_other_answer_a_missing_page() -> None:
    text = caddyfile()
    for name, method in (("link", "GET"), ("link_head", "HEAD")):
        matcher = text.split(f"@{name} {{")[1].split("}")[0].split()
        assert matcher == ["method", method, "path", f"{PANEL.subscription_path}/*"]
        assert text.split(f"handle @{name} {{")[1].split("}")[0].split() == ["import", "to_link", method]
    assert "reverse_proxy 172.20.0.15:8010" in text.split("(to_link) {")[1].split("\n}")[0]
    errors = text.split("@secret path ")[1].split("\n")[0]
    assert errors.split() == [XRAY.websocket_path, WIREGUARD.websocket_path, f"{PANEL.subscription_path}/*"]


def test_logins_are_limited_as_configured() -> None:
    login = caddyfile(rateLimitAdmin=7, rateLimitVpn=8).split("zone login {")[1]
    assert re.match(r"\s+key \{remote_host\}\s+window 1m\s+events 7\n", login)


def wireguard_files(**changes: object) -> dict[str, str]:
    return wireguard.files(load(**changes), PLAN, WIREGUARD)


def test_wireguard_knows_its_key_and_gets_its_peers_from_the_agent() -> None:
    text = wireguard_files(wireguardServerPort=51999)["wg0.conf"]
    interface = configparser.ConfigParser()
    interface.read_string(text.partition("\n")[2] if text.startswith("#") else text)
    assert dict(interface["Interface"]) == {"privatekey": WIREGUARD.private_key, "listenport": "51999"}
    assert interface.sections() == ["Interface"]


@pytest.mark.parametrize(("subnet", "address"), [
    ("10.66.66.0/24", "10.66.66.1/24"), ("10.64.0.0/16", "10.64.0.1/16"), ("fd00:7::/64", "fd00:7::1/64")])
def test_the_server_has_the_first_address_of_the_peers_subnet(subnet: str, address: str) -> None:
    assert wireguard.own_address(subnet) == address


def test_wireguard_s_agent_answers_the_control_network_only() -> None:
    chain = wireguard_files()["rules.nft"].split("chain input {")[1].split("}\n\tchain")[0]
    assert f"tcp dport {ports.AGENT} ip saddr != 172.21.0.0/24 drop" in chain
    assert f"tcp dport {ports.AGENT} meta nfproto ipv6 drop" in chain
    output = wireguard_files()["rules.nft"].split("chain output {")[1].split("}\n\tchain")[0]
    assert str(ports.AGENT) not in output, "else chisel would reach it"


def test_wireguard_s_peers_reach_the_internet_and_none_of_our_networks() -> None:
    rules = wireguard_files(vpnSubnet="10.7.0.0/24")["rules.nft"]
    assert "hook forward priority filter; policy drop" in rules
    assert 'iifname "wg0" oifname != "wg0" jump egress' in rules
    for family, network in (("ip", "172.16.0.0/12"), ("ip6", "8000::/1")):
        assert re.search(rf"^\t\t{family} daddr {{ .*{re.escape(network)}.* }} drop$", rules, re.M)
    assert 'ip saddr 10.7.0.0/24 oifname != "wg0" masquerade' in rules


def test_wireguard_s_peers_reach_an_allowed_network_before_the_refusals() -> None:
    changes = {"egressAllow": ["192.168.10.0/24", "fd07::/64"], "egressRefuse": ["10.1.0.0/16", "9.9.9.9/32"]}
    chain = wireguard_files(**changes)["rules.nft"].split("chain egress {")[1].split("}\n\tchain")[0]
    lines = [line.strip() for line in chain.splitlines() if line.strip()]
    assert lines[:2] == ["ip daddr { 192.168.10.0/24 } accept", "ip6 daddr { fd07::/64 } accept"]
    assert lines[2].startswith("ip daddr { 0.0.0.0/8, 9.9.9.9/32, 10.0.0.0/8, 100.64.0.0/10,")
    assert lines[2].endswith("} drop")
    assert lines[-1] == "accept"


def test_wireguard_s_peers_reach_nothing_of_the_container_and_chisel_reaches_wireguard_and_the_site_only() -> None:
    rules = wireguard_files(wireguardServerPort=51999, wireguardWebsocketPort=8007)["rules.nft"]
    assert re.search(r'hook input priority filter; policy accept;\n\t\t#.*\n\t\tiifname "wg0" drop\n', rules)
    output = rules.split("hook output priority filter; policy drop;")[1].split("}\n\tchain")[0]
    assert [line.strip() for line in output.splitlines() if "port" in line] == [
        "udp sport 51999 accept", 'oifname "lo" udp dport 51999 accept', 'oifname "lo" tcp dport 8007 accept',
        f"ip daddr 172.20.0.10 tcp dport {ports.COVER_PLAIN} accept"]


def test_with_ipv6_wireguard_s_peers_reach_its_internet_and_none_of_our_networks() -> None:
    rules = wireguard_files(ipv6=True, vpnSubnet6="fd00:7::/64")["rules.nft"]
    assert "chain prerouting" not in rules
    assert re.search(r"^\t\tip6 daddr \{ .*8000::/1.* \} drop$", rules, re.M)
    assert 'ip6 saddr fd00:7::/64 oifname != "wg0" masquerade' in rules


def test_without_ipv6_wireguard_s_peers_are_told_at_once_that_there_is_none() -> None:
    chain = wireguard_files()["rules.nft"].split("chain prerouting {")[1].split("}\n\tchain")[0]
    assert chain.rstrip().endswith('iifname "wg0" meta nfproto ipv6 reject with icmpv6 no-route')
