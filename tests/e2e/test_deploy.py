"""What `up`, `preview` and `down` promise, on the real engine with the real daemons."""

import json
import os
import re
import signal
import socket
import time

import pytest

from tests.e2e.deployment import LABEL, SERVICES, STACK, Server, docker, healthy, ids, inspect, names

pytestmark = pytest.mark.integration

KEPT = {f"stealth-{name}-data" for name in SERVICES} | {"stealth-caddy-config"}
PROBED_FAST = {"healthStartPeriod": "1s", "healthInterval": "1s", "healthTimeout": "1s", "healthRetries": 2}


def test_from_nothing_up_makes_caddy_last_and_ends_with_six_healthy_services_and_where_they_are(
    server: Server,
) -> None:
    assert server.ops("down").returncode == 0
    process = server.start("python", "-m", "ops", "up")
    while not names("container", "name=^stealth-caddy$"):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    assert healthy() >= set(SERVICES) - {"caddy"}, "Caddy lets visitors in to what does not answer yet"
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert healthy() == set(SERVICES)
    assert "6 containers healthy" in said
    assert re.search(r"Panel: +https://www\.stealth\.test/[0-9a-f]{24}/", said)
    assert re.search(r"First user's link: https://www\.stealth\.test/[0-9a-f]{24}/[\w-]{43}$", said, re.M)


def test_a_second_up_changes_nothing_and_a_preview_is_empty(deployed: Server) -> None:
    before = ids()
    assert "No changes; 6 containers healthy" in deployed.up()
    assert ids() == before
    assert deployed.pulumi("preview", "--expect-no-changes").returncode == 0
    assert deployed.pulumi("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes").returncode == 0


@pytest.mark.parametrize("harm", [("rm", "--force"), ("stop",)])
def test_a_container_removed_or_stopped_by_hand_comes_back_and_no_other_is_touched(
    deployed: Server, harm: tuple[str, ...],
) -> None:
    before = ids()
    docker(*harm, "stealth-xray")
    done = deployed.pulumi("up", "--yes", "--skip-preview", "--refresh")
    assert done.returncode == 0, done.stdout
    after = ids()
    assert healthy() == set(SERVICES)
    assert {name: after[name] for name in SERVICES if name != "xray"} == {
        name: before[name] for name in SERVICES if name != "xray"}
    assert "No changes" in deployed.up()


@pytest.mark.parametrize(("key", "value", "services"), [
    ("dnsServers", ["9.9.9.9"], {"xray", "trojan", "singbox", "admin"}), ("rateLimitVpn", 900, {"caddy"}),
    ("sessionTimeoutSeconds", 900, {"admin"})])
def test_a_changed_configuration_replaces_the_services_that_it_concerns_and_no_other(
    deployed: Server, key: str, value: object, services: set[str],
) -> None:
    before = ids()
    deployed.configure(**{key: value})
    deployed.up()
    after = ids()
    assert {name for name in SERVICES if after[name] != before[name]} == services
    assert healthy() == set(SERVICES)


def test_every_container_is_as_hard_as_the_specification_says(deployed: Server) -> None:
    for service in SERVICES:
        host = inspect(service)["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["CapDrop"] == ["ALL"]
        assert host["CapAdd"] == (["CAP_NET_ADMIN"] if service == "wireguard" else None)
        assert {"/tmp", "/run"} <= set(host["Tmpfs"])  # noqa: S108 - inside the container
        assert host["Memory"] == host["MemorySwap"] == 512 << 20
        assert host["NanoCpus"] == 1_000_000_000
        assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
        assert not any("docker.sock" in mount["Source"] for mount in inspect(service)["Mounts"])
    assert set(inspect("caddy")["HostConfig"]["PortBindings"]) == {"80/tcp", "443/tcp", "443/udp"}
    assert [name for name in SERVICES if name != "caddy" and inspect(name)["HostConfig"]["PortBindings"]] == []


def test_down_leaves_the_volumes_and_nothing_else_and_up_brings_the_same_server_back(deployed: Server) -> None:
    before = deployed.outputs()
    volume = docker("volume", "inspect", "--format", "{{.Mountpoint}}", "stealth-admin-data")
    docker("run", "--rm", "--volume", "stealth-admin-data:/data", "--entrypoint", "/usr/bin/touch",
           "stealth-vpn/admin:local", "/data/kept")
    done = deployed.ops("down")
    assert done.returncode == 0, done.stdout
    assert names("container", f"label={LABEL}={STACK}") == set()
    assert names("network", f"label={LABEL}={STACK}") == set()
    assert names("volume", f"label={LABEL}={STACK}") == KEPT
    deployed.up()
    assert deployed.outputs() == before
    assert volume == docker("volume", "inspect", "--format", "{{.Mountpoint}}", "stealth-admin-data")
    docker("run", "--rm", "--volume", "stealth-admin-data:/data", "--entrypoint", "/usr/bin/test",
           "stealth-vpn/admin:local", "-e", "/data/kept")


def test_minimal_mode_stops_the_daemons_and_full_mode_brings_them_back(deployed: Server) -> None:
    deployed.configure(mode="minimal")
    assert "2 containers healthy" in deployed.up()
    assert set(ids()) == {"admin", "caddy"}
    deployed.configure()
    deployed.up()
    assert healthy() == set(SERVICES)


def refused(server: Server) -> str:
    done = server.ops("up")
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"xrayVisionPort": 70000}, "xrayVisionPort is 70000, but a port lies between 1 and 65535"),
    ({"xrayVisionPort": 8004}, "xrayVisionPort of Xray uses that port already"),
    ({"colour": "red"}, "colour is no configuration key"),
    ({"domain": "not a host"}, "domain is not a host, but it must be a host name"),
    ({"networkSubnet": "8.8.0.0/16"}, "networkSubnet is 8.8.0.0/16, but it must lie in a private range"),
    ({"vpnSubnet": "172.20.5.0/24"}, "it must not overlap networkSubnet"),
    ({"dockerHost": "unix:///nowhere/docker.sock"}, "Docker Engine at unix:///nowhere/docker.sock does not answer"),
    ({"dockerHost": "tcp://127.0.0.1:1"}, "must begin with unix:/// or ssh://"),
])
def test_a_bad_value_is_one_sentence_with_its_fix_and_nothing_changes(
    deployed: Server, changes: dict[str, object], sentence: str,
) -> None:
    before, standing = ids(), deployed.standing
    deployed.configure(**changes)
    said = refused(deployed)
    assert sentence in said
    assert "`pulumi config" in said
    assert ids() == before
    assert healthy() == set(SERVICES)
    deployed.standing = standing


def test_a_taken_port_is_said_before_anything_is_touched_and_the_next_up_works(deployed: Server) -> None:
    assert deployed.ops("down").returncode == 0
    with socket.create_server(("0.0.0.0", 443)):  # noqa: S104 - what another web server would do
        said = refused(deployed)
    assert re.search(r"port 443/tcp is taken by \S+ \(process \d+\)", said)
    assert ids() == {}
    deployed.up()
    assert healthy() == set(SERVICES)


@pytest.mark.parametrize(("step", "sentences"), [
    ("RUN echo a step that fails && false", ["stealth-vpn/trojan", "a step that fails"]),
    # A disk of one megabyte stands for the engine's: the compiler's and the shell's words for a full one are the same.
    ("RUN --mount=type=tmpfs,target=/full,size=1m head -c 2000000 /dev/zero >/full/file",
     ["No space left on device", "docker builder prune"]),
], ids=["fails", "disk-full"])
def test_a_build_that_cannot_end_says_why_and_the_next_up_repairs_it(
    deployed: Server, step: str, sentences: list[str],
) -> None:
    before = ids()
    dockerfile = deployed.folder / "images" / "trojan" / "Dockerfile"
    text = dockerfile.read_text()
    dockerfile.write_text(text.replace("\nFROM scratch", f"\n{step}\n\nFROM scratch"))
    try:
        said = refused(deployed)
    finally:
        dockerfile.write_text(text)
    for sentence in sentences:
        assert sentence in said
    assert ids() == before
    deployed.up()
    assert ids() == before
    assert healthy() == set(SERVICES)


def test_a_service_whose_health_never_comes_is_named_and_fails_again_until_it_is_mended(deployed: Server) -> None:
    template = deployed.folder / "templates" / "trojan" / "config.json.j2"
    text = template.read_text()
    template.write_text(text.replace('"local_port": {{ port }}', '"local_port": 8999'))
    deployed.configure(**PROBED_FAST)
    try:
        for _ in range(2):
            said = refused(deployed)
            assert "stealth-trojan" in said
            assert "127.0.0.1:8002" in said, "the health check's own last words"
    finally:
        template.write_text(text)
    deployed.configure()
    deployed.up()
    assert healthy() == set(SERVICES)
    assert names("volume", f"label={LABEL}={STACK}") >= KEPT


def test_a_run_that_was_killed_is_repaired_by_the_next_up(deployed: Server) -> None:
    assert deployed.ops("down").returncode == 0
    process = deployed.start("python", "-m", "ops", "up")
    end = time.monotonic() + 120
    while not ids() and time.monotonic() < end:
        time.sleep(0.05)
    for name in ("pulumi", "python -m ops", "pulumi-resource-docker"):
        kill_below(deployed, name)
    process.communicate(timeout=60)
    assert ids(), "the run was killed before it had made a container"
    deployed.up()
    assert healthy() == set(SERVICES)
    assert "No changes" in deployed.up()


def kill_below(server: Server, command: str) -> None:
    """Kill by force what runs this command in the server's folder."""
    for folder in os.listdir("/proc"):
        if not folder.isdigit():
            continue
        try:
            with open(f"/proc/{folder}/cmdline", "rb") as file:
                words = file.read().replace(b"\0", b" ").decode()
            here = os.readlink(f"/proc/{folder}/cwd").startswith(str(server.folder))
            if here and command in words:
                os.kill(int(folder), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue


def test_outputs_that_are_secret_are_marked_so(deployed: Server) -> None:
    shown = json.loads(deployed.pulumi("stack", "output", "--json").stdout)
    assert {name for name, value in shown.items() if value == "[secret]"} == {
        "subscriptionUrl", "metricsToken", "panelPassword", "panelUrl"}
    assert shown["authorityCertificate"].startswith("-----BEGIN CERTIFICATE-----")
