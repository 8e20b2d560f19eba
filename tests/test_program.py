"""The whole program under mocks: every stack file, every mode, judged without Docker."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components import ssh
from components.errors import SettingsError
from ops.rotate.table import DERIVED, Secret
from tests.certificates import PrivateAuthority
from tests.engine import (
    COMMAND,
    CONTAINER,
    IMAGE,
    NETWORK,
    PASSWORD,
    VOLUME,
    RandomEngine,
    Registered,
    image_id,
    is_secret,
)
from tests.settings import PROJECT, SCHEMA

DAEMONS = {"caddy", "xray", "trojan", "singbox", "wireguard", "admin"}
ADDRESSES = {"caddy": 10, "xray": 11, "trojan": 12, "singbox": 13, "wireguard": 14, "admin": 15}


def stack_file(name: str) -> dict[str, object]:
    config = yaml.safe_load(Path(f"Pulumi.{name}.yaml").read_text())["config"]
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def deploy(stack: str = "local", **changes: object) -> RandomEngine:
    engine = RandomEngine()
    deploy_on(engine, stack, changes)
    return engine


def deploy_on(engine: RandomEngine, stack: str, changes: dict[str, object]) -> None:
    values = {key: entry["default"] for key, entry in SCHEMA.items() if "default" in entry}
    values |= {"resourceProfile": "standard"} | stack_file(stack) | changes
    pulumi.runtime.set_all_config({
        f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()})
    engine.deploy_project()


@pytest.fixture(scope="module")
def local() -> RandomEngine:
    return deploy()


def containers(engine: RandomEngine) -> dict[str, dict[str, Any]]:
    """The services' inputs by service; the never started writers left out."""
    return {item.name.removeprefix("stealth-"): item.inputs
            for item in engine.of_type(CONTAINER) if not item.name.endswith("-writer")}


def test_six_services_run_and_each_has_its_name(local: RandomEngine) -> None:
    names = {name: inputs["name"] for name, inputs in containers(local).items()}
    assert names == {name: f"stealth-{name}" for name in DAEMONS}


def test_every_service_has_its_fixed_address_on_the_network(local: RandomEngine) -> None:
    found = {name: inputs["networksAdvanced"][0]["ipv4Address"] for name, inputs in containers(local).items()}
    assert found == {name: f"172.20.0.{number}" for name, number in ADDRESSES.items()}


def test_only_caddy_publishes_ports_and_just_these_three(local: RandomEngine) -> None:
    published = {name: inputs["ports"] for name, inputs in containers(local).items() if inputs["ports"]}
    assert set(published) == {"caddy"}
    assert {(port["external"], port["protocol"]) for port in published["caddy"]} == {
        (80, "tcp"), (443, "tcp"), (443, "udp")}


def test_with_ipv6_every_service_has_a_fixed_address_of_that_family_and_caddy_publishes_by_both() -> None:
    services = containers(deploy(ipv6=True))
    edge = {name: inputs["networksAdvanced"][0].get("ipv6Address") for name, inputs in services.items()}
    assert edge == {name: f"fd9c:3b1e:7a20:1::{number:x}" for name, number in ADDRESSES.items()}
    assert all("ipv6Address" not in place for inputs in services.values() for place in inputs["networksAdvanced"][1:])
    assert {(port["ip"], port["external"], port["protocol"]) for port in services["caddy"]["ports"]} == {
        (address, *port) for address in ("0.0.0.0", "::")  # noqa: S104 - the public ports
        for port in ((80, "tcp"), (443, "tcp"), (443, "udp"))}
    assert services["wireguard"]["sysctls"]["net.ipv6.conf.all.forwarding"] == "1"


def test_without_ipv6_nothing_has_an_address_of_it(local: RandomEngine) -> None:
    for name, inputs in containers(local).items():
        assert all("ipv6Address" not in place for place in inputs["networksAdvanced"]), name
    assert {port["ip"] for port in containers(local)["caddy"]["ports"]} == {"0.0.0.0"}  # noqa: S104 - the public ports


def test_caddy_is_not_on_the_management_network_and_all_others_are(local: RandomEngine) -> None:
    for name, inputs in containers(local).items():
        networks = [place["name"] for place in inputs["networksAdvanced"]]
        assert networks == ["stealth-vpn"] + ([] if name == "caddy" else ["stealth-control"]), name


def test_only_wireguard_has_a_capability_a_device_sysctls_or_root(local: RandomEngine) -> None:
    special = {name: (inputs["capabilities"].get("adds"), inputs["devices"], inputs["sysctls"])
               for name, inputs in containers(local).items()
               if inputs["capabilities"].get("adds") or inputs["devices"] or inputs["sysctls"]}
    assert set(special) == {"wireguard"}
    adds, devices, sysctls = special["wireguard"]
    assert adds == ["CAP_NET_ADMIN"]
    assert [device["hostPath"] for device in devices] == ["/dev/net/tun"]
    assert sysctls == {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.src_valid_mark": "1"}
    assert {name for name, inputs in containers(local).items() if inputs["user"] == "0:0"} == {"wireguard"}


def test_what_is_stopped_is_made_and_not_started_and_no_other_container_is_another() -> None:
    before, after = containers(deploy()), containers(deploy(stopped=["xray", "wireguard"]))
    assert {name for name in DAEMONS if before[name] != after[name]} == {"xray", "wireguard"}
    assert {key for key in after["xray"] if before["xray"].get(key) != after["xray"][key]} == {
        "restart", "mustRun", "start", "wait"}
    with pytest.raises(SettingsError, match="stopped is nginx, but it must be one of admin, caddy"):
        deploy(stopped=["nginx"])


@pytest.mark.parametrize("secret", DERIVED, ids=lambda secret: secret.name)
def test_a_rotation_replaces_the_services_that_it_says_and_no_seed(local: RandomEngine, secret: Secret) -> None:
    after = deploy(rotations={secret.name: {"generation": 2, "rotatedAt": "2026-11-30T08:00:00+00:00"}})
    services, before = containers(after), containers(local)
    assert tuple(sorted(name for name in DAEMONS if before[name] != services[name])) == secret.replaces
    assert {name: item.inputs for name, item in passwords(after)} == {
        name: item.inputs for name, item in passwords(local)}


def passwords(engine: RandomEngine) -> list[tuple[str, Registered]]:
    return [(item.name, item) for item in engine.of_type(PASSWORD)]


def test_loading_kernel_modules_is_a_setting_that_is_off() -> None:
    wireguard = containers(deploy(allowSysModule=True))["wireguard"]
    assert wireguard["capabilities"]["adds"] == ["CAP_NET_ADMIN", "CAP_SYS_MODULE"]
    folder = next(mount for mount in wireguard["mounts"] if mount["type"] == "bind")
    assert (folder["source"], folder["target"], folder["readOnly"]) == ("/lib/modules", "/lib/modules", True)


def test_no_service_mounts_a_folder_of_the_host_by_default(local: RandomEngine) -> None:
    for name, inputs in containers(local).items():
        assert {mount["type"] for mount in inputs["mounts"]} == {"volume"}, name


def test_every_service_keeps_its_data_in_the_volume_of_its_name(local: RandomEngine) -> None:
    for name, inputs in containers(local).items():
        sources = {mount["source"] for mount in inputs["mounts"] if not mount["readOnly"]}
        assert f"stealth-{name}-data" in sources
        assert all(source.startswith(f"stealth-{name}-") for source in sources)


def test_the_two_networks_and_the_volumes_are_the_specification_s(local: RandomEngine) -> None:
    assert {item.inputs["name"] for item in local.of_type(NETWORK)} == {"stealth-vpn", "stealth-control"}
    kept = {item.inputs["name"] for item in local.of_type(VOLUME) if not item.name.endswith("-rendered")}
    assert kept == {f"stealth-{name}-data" for name in DAEMONS} | {"stealth-caddy-config"}


def test_health_timings_default_to_the_specification_s(local: RandomEngine) -> None:
    for inputs in containers(local).values():
        health = inputs["healthcheck"]
        timings = (health["interval"], health["timeout"], health["retries"], health["startPeriod"],
                   health["startInterval"])
        assert timings == ("30s", "10s", 3, "40s", "1s")
        assert inputs["waitTimeout"] >= 40 + 3 * (30 + 10)


@pytest.mark.parametrize(("profile", "limits"), [
    ("standard", ("1.0", 512, 512, 128)), ("small", ("0.5", 256, 256, 64))])
def test_limits_are_those_of_the_profile(profile: str, limits: tuple[str, int, int, int]) -> None:
    for inputs in containers(deploy(resourceProfile=profile)).values():
        assert (inputs["cpus"], inputs["memory"], inputs["memorySwap"],
                inputs["memoryReservation"]) == limits


def test_logs_rotate_as_configured() -> None:
    for inputs in containers(deploy(logMaxSize="5m", logMaxFiles=2)).values():
        assert inputs["logOpts"] == {"max-size": "5m", "max-file": "2"}


def test_minimal_mode_runs_caddy_and_the_panel_and_keeps_every_volume() -> None:
    engine = deploy(mode="minimal")
    assert set(containers(engine)) == {"caddy", "admin"}
    assert len([item for item in engine.of_type(VOLUME) if not item.name.endswith("-rendered")]) == 7
    assert {item.name for item in engine.of_type(IMAGE)} == {
        "stealth-builder-image", "stealth-caddy-image", "stealth-admin-image"}


def test_the_deploy_waits_for_reality_s_measurement(local: RandomEngine) -> None:
    caddy = containers(local)["caddy"]
    assert "-measured http://172.20.0.11:8009/measured" in " ".join(caddy["command"])
    assert "http http://127.0.0.1:8011/measured" in " ".join(caddy["healthcheck"]["tests"])
    assert "measured" not in " ".join(containers(deploy(mode="minimal"))["caddy"]["healthcheck"]["tests"])


def test_caddy_is_healthy_only_if_the_udp_front_is(local: RandomEngine) -> None:
    assert "-tuic-name t.stealth.test " in " ".join(containers(local)["caddy"]["command"])
    for engine in (local, deploy(mode="minimal")):
        probe = " ".join(containers(engine)["caddy"]["healthcheck"]["tests"])
        assert "http http://127.0.0.1:8011/status" in probe
        assert "quic 127.0.0.1:8444" in probe, "Caddy's HTTP/3, behind the front"


@pytest.mark.parametrize(("changes", "touched"), [
    # The panel knows what clients are told, and is no part of any connection.
    ({"dnsServers": ["9.9.9.9"]}, {"xray", "trojan", "singbox", "admin"}),
    ({"vpnSubnet": "10.77.77.0/24"}, {"wireguard", "admin"}),
    ({"allowSysModule": True}, {"wireguard"}), ({"sessionTimeoutSeconds": 900}, {"admin"}),
    ({"rateLimitVpn": 900}, {"caddy"}),
    # Caddy, which knows where the daemons listen, is replaced with the daemon, and open TCP connections end.
    ({"xrayVisionPort": 9001}, {"xray", "caddy"}), ({"trojanPort": 9002}, {"trojan", "caddy"}),
    ({"singboxTuicPort": 9006}, {"singbox", "caddy"}),
    ({"wireguardServerPort": 51821}, {"wireguard", "caddy", "admin"}),
    ({"logLevel": "DEBUG"}, DAEMONS - {"wireguard"}),
])
def test_a_change_touches_only_the_services_that_it_concerns(
    local: RandomEngine, changes: dict[str, object], touched: set[str],
) -> None:
    before, after = containers(local), containers(deploy("local", **changes))
    assert {name for name in DAEMONS if after[name] != before[name]} == touched


def test_every_rendered_file_is_secret_and_nothing_secret_is_elsewhere(local: RandomEngine) -> None:
    for item in local.of_type(CONTAINER):
        if item.name.endswith("-writer"):
            assert is_secret(item.inputs["uploads"]), item.name
        else:
            assert "result-of-" not in json.dumps(item.inputs), item.name
            assert item.inputs["envs"] == ["TZ=UTC"]


def delivered(engine: RandomEngine, service: str) -> list[str]:
    writer: Registered = next(item for item in engine.resources if item.name == f"stealth-{service}-writer")
    return [upload["file"].removeprefix("/etc/stealth/") for upload in writer.inputs["uploads"]["value"]]


def test_with_our_own_authority_xray_and_caddy_get_its_certificate(local: RandomEngine) -> None:
    assert delivered(local, "xray") == ["agent.json", "ca.crt", "config.json", "egress.json"]
    assert delivered(local, "caddy") == ["Caddyfile", "ca.crt", "ca.key"]


def mounts(engine: RandomEngine, service: str) -> dict[str, tuple[str, bool]]:
    return {mount["target"]: (mount["source"], mount["readOnly"]) for mount in containers(engine)[service]["mounts"]}


def test_certificates_that_caddy_obtains_reach_sing_box_by_a_volume_that_only_caddy_writes() -> None:
    engine = deploy("local", tls="acme")
    place = "/var/lib/certificates"
    assert mounts(engine, "caddy")[place] == ("stealth-certificates", False)
    assert mounts(engine, "singbox")[place] == ("stealth-certificates", True)
    groups = {name: inputs["groupAdds"] for name, inputs in containers(engine).items() if inputs["groupAdds"]}
    assert groups == {"singbox": ["10001"]}
    assert f"-certificates-to {place}" in " ".join(containers(engine)["caddy"]["command"])
    assert delivered(engine, "singbox") == ["agent.json", "config.json", "egress.json"]
    first = engine.one("stealth-certificates-writer")
    assert is_secret(first["uploads"])
    assert [(upload["file"].rpartition("/")[2], upload["permissions"], upload["group"])
            for upload in first["uploads"]["value"]] == [
        (f"{name}.stealth.test.{end}", "0640", "10001") for name in ("q", "t") for end in ("key", "pem")]
    probe = " ".join(containers(engine)["caddy"]["healthcheck"]["tests"]).replace(".stealth.test", "")
    assert "tls 127.0.0.1:443 www app q t --and tls 172.20.0.10:8443 cdn img" in probe


def test_nothing_is_handed_over_where_caddy_obtains_nothing_or_nobody_takes_it(local: RandomEngine) -> None:
    for engine in (local, deploy("local", tls="acme", mode="minimal")):
        assert "stealth-certificates" not in {item.inputs["name"] for item in engine.of_type(VOLUME)}
        assert "-certificates-to" not in containers(engine)["caddy"]["command"]
    assert " tls 127.0.0.1:443 www.stealth.test" in " ".join(containers(engine)["caddy"]["healthcheck"]["tests"])


def test_a_private_authority_s_roots_reach_caddy_and_xray(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text(PrivateAuthority().root_pem)
    engine = deploy("local", tls="acme", tlsRootFile=str(tmp_path / "roots.pem"))
    assert delivered(engine, "xray") == ["agent.json", "ca.crt", "config.json", "egress.json"]
    assert delivered(engine, "caddy") == ["Caddyfile", "ca.crt"]


def test_the_operator_s_own_pair_reaches_caddy_and_sing_box_as_a_secret(tmp_path: Path) -> None:
    own = PrivateAuthority()
    pair = own.pair(["*.stealth.test"])
    for name, text in {"chain": pair.chain_pem, "key": pair.private_key_pem, "root": own.root_pem}.items():
        (tmp_path / name).write_text(text)
    engine = deploy("local", tls="files", tlsCertificateFile=str(tmp_path / "chain"), tlsKeyFile=str(tmp_path / "key"),
                    tlsRootFile=str(tmp_path / "root"))
    assert delivered(engine, "caddy") == ["Caddyfile", "tls.crt", "tls.key"]
    assert delivered(engine, "singbox") == ["agent.json", "cert.pem", "config.json", "egress.json", "key.pem"]
    assert delivered(engine, "xray") == ["agent.json", "ca.crt", "config.json", "egress.json"]
    for service in ("caddy", "singbox"):
        uploads = engine.one(f"stealth-{service}-writer")["uploads"]
        assert is_secret(uploads)
        assert {upload["permissions"] for upload in uploads["value"]} == {"0400"}
        assert pair.private_key_pem in {upload["content"] for upload in uploads["value"]}
        assert pair.private_key_pem.splitlines()[1] not in json.dumps(containers(engine)[service])


def test_a_bad_file_of_the_operator_s_own_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_text("no certificate")
    engine = RandomEngine()
    with pytest.raises(SettingsError, match=r"tlsRootFile is .*roots\.pem, but it holds no certificate"):
        deploy_on(engine, "local", {"tls": "acme", "tlsRootFile": str(tmp_path / "roots.pem")})
    assert engine.resources == []
def test_the_operator_s_own_site_goes_into_a_volume_that_only_caddy_reads(local: RandomEngine) -> None:
    assert not [item.name for item in local.resources if "site" in item.name], "without siteDir nothing of it exists"
    engine = deploy(siteDir="images/caddy/site")
    volume = engine.one("stealth-site", VOLUME)["name"]
    assert re.fullmatch(r"stealth-site-[0-9a-f]{12}", volume)
    uploads = engine.one("stealth-site-writer")["uploads"]
    assert {upload["file"] for upload in uploads} >= {"/site/index.html", "/site/404.html", "/site/style.css"}
    for upload in uploads:
        content = Path(upload["source"]).read_bytes()
        assert upload["sourceHash"] == hashlib.sha256(content).hexdigest()
        assert "content" not in upload, "a content would stand in the state"
    readers = {name: [(mount["target"], mount["readOnly"]) for mount in inputs["mounts"] if mount["source"] == volume]
               for name, inputs in containers(engine).items()}
    assert {name: mounts for name, mounts in readers.items() if mounts} == {"caddy": [("/srv/site", True)]}


def test_a_site_that_cannot_be_served_is_refused() -> None:
    with pytest.raises(SettingsError, match="siteDir is nowhere, but there is no such folder"):
        deploy(siteDir="nowhere")


def test_a_new_builder_makes_every_daemon_s_image_anew(local: RandomEngine) -> None:
    args = {item.name: item.inputs["build"]["args"] for item in local.of_type(IMAGE)}
    built = {name for name, given in args.items() if given.get("BUILDER_ID") == image_id("builder")}
    assert built == {f"stealth-{name}-image" for name in DAEMONS - {"admin"}}


def test_images_are_run_by_their_ids(local: RandomEngine) -> None:
    for name, inputs in containers(local).items():
        assert inputs["image"] == image_id(name)


def test_no_resource_uses_a_default_provider(local: RandomEngine) -> None:
    without = [item.name for item in local.resources
               if item.kind.startswith("docker:") and "::engine::" not in (item.provider or "")]
    assert without == []


def test_a_server_of_this_machine_needs_no_command(local: RandomEngine) -> None:
    assert local.of_type(COMMAND) == []


def commands(engine: RandomEngine) -> dict[str, str]:
    return {item.name: item.inputs["create"] for item in engine.of_type(COMMAND)}


def test_a_host_is_made_ready_and_gets_the_images_that_are_built_here() -> None:
    engine = deploy("prod")
    address = "ssh://deploy@vpn.example.com"
    run = "exec .venv/bin/python -m ops."
    assert commands(engine) == {
        "stealth-host": f"{run}onhost {address}",
        "stealth-carriage": f"{run}carriage unix:///var/run/docker.sock {address}"}
    assert '/host.sh" 80/tcp 443/tcp 443/udp >&2' in engine.one("stealth-host", COMMAND)["stdin"]
    assert engine.one("stealth-carriage", COMMAND)["stdin"] == "".join(
        f"stealth-vpn/{name}:local {image_id(name)}\n" for name in sorted(DAEMONS))
    assert {("::builder::" in (item.provider or "")) for item in engine.of_type(IMAGE)} == {True}
    assert {inputs["image"] for inputs in containers(engine).values()} == {image_id(name) for name in DAEMONS}


def test_what_is_changed_on_a_host_follows_the_ports_and_can_be_left_to_its_operator() -> None:
    engine = deploy("prod", httpPort=8080, httpsPort=8443)
    assert '/host.sh" 8080/tcp 8443/tcp 8443/udp >&2' in engine.one("stealth-host", COMMAND)["stdin"]
    assert set(commands(deploy("prod", hostSetup=False))) == {"stealth-carriage"}


def test_a_host_that_builds_itself_gets_the_base_image_only() -> None:
    engine = deploy("prod", buildOn="host")
    assert set(commands(engine)) == {"stealth-host", "stealth-base"}
    assert engine.one("stealth-base", COMMAND)["stdin"] == "stealth-vpn/os:trixie\n"
    assert {("::engine::" in (item.provider or "")) for item in engine.of_type(IMAGE)} == {True}


def test_the_production_stack_file_makes_the_same_six_services_without_our_own_authority() -> None:
    engine = deploy("prod")
    assert set(containers(engine)) == DAEMONS
    engines = {item.name: item.inputs for item in engine.of_type("pulumi:providers:docker")}
    assert {name: inputs["host"] for name, inputs in engines.items()} == {
        "engine": "ssh://deploy@vpn.example.com", "builder": "unix:///var/run/docker.sock"}
    assert [*json.loads(engines["engine"]["sshOpts"])[1::2]] == [*ssh.OPTIONS]
    assert delivered(engine, "caddy") == ["Caddyfile"]
    assert delivered(engine, "xray") == ["agent.json", "config.json", "egress.json"]


def test_the_provider_of_this_machine_s_engine_is_told_its_address_alone(local: RandomEngine) -> None:
    (provider,) = local.of_type("pulumi:providers:docker")
    assert provider.inputs.keys() == {"host"}


def test_logs_on_the_host_change_nothing_of_what_is_deployed(local: RandomEngine) -> None:
    with_logs = deploy("local", dataDir="/srv/stealth", logRetentionDays=30)
    assert {(item.kind, item.name, json.dumps(item.inputs, sort_keys=True)) for item in with_logs.resources} == {
        (item.kind, item.name, json.dumps(item.inputs, sort_keys=True)) for item in local.resources}
