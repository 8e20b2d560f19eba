"""`ops verify` beside a real server: it finds nothing, and then each thing that somebody does by hand."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import MACHINE, SERVICES, Server, docker, ids, inspect
from tests.integration.ssh import SshServer, ssh_server

pytestmark = pytest.mark.integration

ROGUE, NETWORK = "by-hand", "by-hand-net"
# Of whatever a container can break it breaks nothing, but for what a test changes.
# The limit of processes below counts all of one user's on the machine, so nobody else here may be that user.
HARD = {
    "--read-only": "", "--cap-drop": "ALL", "--security-opt": "no-new-privileges", "--user": "65002:65002",
    "--memory": "64m", "--memory-swap": "64m", "--cpus": "0.5", "--network": NETWORK, "--health-cmd": "true",
    "--log-opt": "max-size=1m"}
MORE = ("--log-opt", "max-file=2", "--ulimit", "nofile=64", "--ulimit", "nproc=64")


def verified(server: Server) -> dict[str, Any]:
    done = server.ops("verify", "--json", "--beside", MACHINE)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        pytest.fail(done.stdout)
    assert done.returncode == (0 if found["kept"] else 1)
    return found


def faults(server: Server) -> dict[str, set[str]]:
    """Return what was found of each subject that does not keep a promise."""
    found: dict[str, set[str]] = {}
    for check in verified(server)["checks"]:
        if check["verdict"] != "kept":
            assert check["remedy"]
            found.setdefault(check["subject"], set()).add(check["found"])
    return found


@contextmanager
def foreign_network() -> Iterator[None]:
    docker("network", "create", NETWORK)
    try:
        yield
    finally:
        docker("network", "rm", NETWORK)


@contextmanager
def by_hand(*more: str, name: str = ROGUE, **changes: str | None) -> Iterator[None]:
    """Run a container that nobody promised; `changes` take options of a hard one away, or give them another value."""
    options = HARD | {f"--{key.replace('_', '-')}": value for key, value in changes.items()}
    words = [word for key, value in options.items() if value is not None for word in (key, value) if word]
    try:
        docker("run", "--detach", "--name", name, *words, *MORE, *more, "--entrypoint", "/usr/bin/sleep",
               "stealth-vpn/wireguard:local", "infinity")
        yield
    finally:
        docker("rm", "--force", "--volumes", name, check=False)


def test_of_a_server_as_deployed_every_promise_is_kept_and_nothing_is_touched(deployed: Server) -> None:
    before = ids()
    found = verified(deployed)
    assert [check for check in found["checks"] if check["verdict"] != "kept"] == []
    assert found["counts"]["kept"] > 300
    assert {check["subject"].removeprefix("stealth-") for check in found["checks"]} >= {
        *SERVICES, "ports", "engine", "secrets", "vpn", "control"}
    assert ids() == before
    told = deployed.ops("verify", "--beside", MACHINE).stdout.splitlines()
    assert told[-1] == f"{found['counts']['kept']} promises checked, all kept."


STRANGER = "nobody promised it"


STRANGERS: dict[str, tuple[tuple[str, ...], dict[str, str | None], set[str]]] = dict(zip((
    "exists", "port", "root", "sysctl", "capability", "secret", "seccomp", "user", "folder", "socket", "volume",
    "namespace"), [
    ((), {}, set()),
    (("--publish", "127.0.0.1:9999:80"), {}, {"it publishes 127.0.0.1:9999->80/tcp"}),
    ((), {"read_only": None}, {"its root file system is writable"}),
    (("--sysctl", "net.ipv4.ip_unprivileged_port_start=0"), {}, {"it sets net.ipv4.ip_unprivileged_port_start to 0"}),
    (("--cap-add", "NET_RAW"), {}, {"it has NET_RAW beyond none", "sleep may gain capability 13"}),
    (("--env", "API_TOKEN=hunter2"), {}, {"the environment variable API_TOKEN is named like a secret"}),
    ((), {"security_opt": "seccomp=unconfined"},
     {"its programs may gain privileges", "it runs with seccomp=unconfined", "sleep may gain privileges",
      "sleep calls the kernel unfiltered"}),
    ((), {"user": None}, {"it runs as root", "sleep runs as root; sleep runs with root's group"}),
    (("--volume", "/etc:/host:ro"), {}, {"it mounts the host's /etc"}),
    (("--volume", "/var/run/docker.sock:/x:ro"), {}, {"it may command the container engine"}),
    (("--volume", "stealth-xray-rendered:/x:ro"), {}, {"it mounts the volume stealth-xray-rendered at /x"}),
    ((), {"network": "host"}, {"NetworkMode is host"}),
], strict=True))
"""Options of each container, what is changed of a hard one's, and what is wrong with it."""


@pytest.fixture(scope="module")
def strangers(server: Server) -> dict[str, set[str]]:
    """What is found while all of them run; at once, for each look takes as long as all of their starts."""
    server.stand()
    with ExitStack() as started:
        started.enter_context(foreign_network())
        for title, (more, changes, _) in STRANGERS.items():
            started.enter_context(by_hand(*more, name=f"{ROGUE}-{title}", **changes))
        return faults(server)


@pytest.mark.parametrize("title", STRANGERS)
def test_a_container_started_by_hand_is_found_by_name_with_what_is_wrong(
    strangers: dict[str, set[str]], title: str,
) -> None:
    found, expected = strangers[f"{ROGUE}-{title}"], STRANGERS[title][2]
    assert found >= {STRANGER, *expected}
    # The engine resolves the socket's folder, and names its mount besides.
    assert {fault for fault in found - expected - {STRANGER} if not fault.startswith("it mounts the host's /")} == set()


def test_a_container_that_is_meant_to_be_there_is_left_alone_until_it_touches_the_server(deployed: Server) -> None:
    with foreign_network(), by_hand(read_only=None):
        done = deployed.ops("verify", "--beside", MACHINE, "--beside", ROGUE)
        assert done.returncode == 0, done.stdout
        docker("network", "connect", "stealth-control", ROGUE)
        done = deployed.ops("verify", "--beside", MACHINE, "--beside", ROGUE)
    assert done.returncode == 1
    assert f"{ROGUE} is on it" in done.stdout
    assert "its root file system is writable" in done.stdout


def test_a_secret_of_the_server_is_found_under_whatever_name_and_never_printed(deployed: Server) -> None:
    password = deployed.outputs()["panelPassword"]
    with foreign_network(), by_hand("--env", f"COLOUR={password}"):
        told = deployed.ops("verify", "--beside", MACHINE).stdout
    assert f"panel-password.result stands in the environment variable COLOUR of {ROGUE}" in told
    assert "panel-password.result stands in the environment of sleep" in told
    assert password not in told


def test_up_fails_when_somebody_sits_on_the_server_s_network_and_leaves_others_alone(deployed: Server) -> None:
    with foreign_network(), by_hand(read_only=None):
        assert "promises checked, all kept" in deployed.up()
        docker("network", "connect", "stealth-vpn", ROGUE)
        done = deployed.ops("up")
        assert done.returncode == 1
        assert f"{ROGUE}: {STRANGER}" in done.stdout


def engine_process(service: str) -> str:
    return str(inspect(service)["State"]["Pid"])


def on_network_of(service: str, *words: str) -> None:
    subprocess.run(["nsenter", "--target", engine_process(service), "--net", *words], check=True, timeout=10,
                   capture_output=True)


def write_parameter(value: str) -> None:
    on_network_of("wireguard", "sh", "-c", f"echo {value} >/proc/sys/net/ipv4/ip_forward")


Change = Callable[[], object]


CHANGES: dict[str, tuple[Change, Change, str, str]] = dict(zip((
    "memory", "restart", "network", "sysctl", "exec", "tag"), [
    (lambda: docker("update", "--memory", "1g", "--memory-swap", "1g", "stealth-xray"),
     lambda: docker("update", "--memory", "512m", "--memory-swap", "512m", "stealth-xray"), "stealth-xray",
     "memory: 1073741824 instead of 536870912"),
    (lambda: docker("update", "--restart", "no", "stealth-trojan"),
     lambda: docker("update", "--restart", "always", "stealth-trojan"), "stealth-trojan", "no instead of always"),
    (lambda: docker("network", "connect", "stealth-control", "stealth-caddy"),
     lambda: docker("network", "disconnect", "stealth-control", "stealth-caddy"), "stealth-control",
     "stealth-caddy is on it"),
    (lambda: write_parameter("0"), lambda: write_parameter("1"), "stealth-wireguard",
     "net.ipv4.ip_forward is 0 instead of 1"),
    (lambda: docker("exec", "--detach", "--privileged", "--user", "0", "stealth-wireguard", "sleep", "9999"),
     lambda: docker("exec", "stealth-wireguard", "sh", "-c", "kill $(grep -l 9999 /proc/[0-9]*/cmdline | cut -d/ -f3)",
                    check=False),
     "stealth-wireguard", "sleep may use "),
    (lambda: docker("tag", "stealth-vpn/xray:local", "stealth-vpn/trojan:local"),
     lambda: docker("tag", inspect("trojan")["Image"], "stealth-vpn/trojan:local"), "stealth-vpn/trojan:local",
     "its name leads to another image"),
], strict=True))
"""What is done, how it is undone, and of which subject what is found."""


@pytest.fixture(scope="module")
def changed(server: Server) -> dict[str, set[str]]:
    """What is found while all of it is done, at once."""
    server.stand()
    with ExitStack() as done:
        for change, back, _, _ in CHANGES.values():
            change()
            done.callback(back)
        return faults(server)


@pytest.mark.parametrize("title", CHANGES)
def test_what_somebody_changes_at_the_server_itself_is_found(changed: dict[str, set[str]], title: str) -> None:
    _, _, subject, expected = CHANGES[title]
    assert any(expected in fault for fault in changed[subject]), changed


def test_what_was_changed_back_is_found_no_more(deployed: Server, changed: dict[str, set[str]]) -> None:
    assert faults(deployed) == {}


def test_a_secret_in_clear_in_the_state_and_files_open_to_others_are_found(deployed: Server) -> None:
    passphrase = deployed.folder / ".pulumi-passphrase"
    copied = deployed.folder / ".pulumi" / "stacks" / "stealth-vpn" / "e2e.json.bak2"
    copied.write_text(json.dumps({"id": deployed.outputs()["metricsToken"]}))
    passphrase.chmod(0o640)
    try:
        found = faults(deployed)["secrets"]
    finally:
        copied.unlink()
        passphrase.chmod(0o600)
    assert any("metricsToken stands in e2e.json.bak2" in fault for fault in found)
    assert ".pulumi-passphrase is open to others (640)" in found


@pytest.fixture
def by_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshServer]:
    """An ssh server on this machine, which every `ssh` of a command knows."""
    with ssh_server(tmp_path) as server:
        monkeypatch.setenv("PATH", f"{server.let_every_ssh_know()}:{os.environ['PATH']}")
        yield server


def test_by_ssh_the_same_is_checked_and_the_same_is_found(deployed: Server, by_ssh: SshServer) -> None:
    count = verified(deployed)["counts"]["kept"]
    deployed.configure(dockerHost=by_ssh.address)
    try:
        assert verified(deployed)["counts"] == {"differs": 0, "not checked": 0, "kept": count}
        with foreign_network(), by_hand("--publish", "127.0.0.1:9999:80"):
            assert "it publishes 127.0.0.1:9999->80/tcp" in faults(deployed)[ROGUE]
    finally:
        deployed.configure()
