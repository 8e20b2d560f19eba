"""The doctor on one real server: nothing on a well one, and each of some forty harms by its name, and no other.

Each harm is done by a shell on the engine's machine, and undone. Some have a consequence, which is found too.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.deployment import LABEL, SERVICES, STACK, Server, await_healthy, docker, inspect
from tests.e2e.outside import Outside
from tests.integration.ssh import ssh_server

pytestmark = pytest.mark.integration

_PATIENCE_SECONDS = 30
_SHELL_SECONDS = 60
# Needs nothing, and says nothing, until it is killed.
_SLEEP = "--entrypoint /usr/bin/python3 $admin -c 'import time; time.sleep(600)'"
_FILL = "stealth-admin /usr/bin/python3 -c \"held = b'x' * ({mebibytes} << 20); import time; time.sleep(60)\""
_HOLD = "import socket, time; held = socket.create_server(('', 443)); print('held', flush=True); time.sleep(600)"
_PENDING = """
import json, sys
file = sys.argv[1]
state = json.load(open(file))
latest = state["checkpoint"]["latest"]
network = next(entry for entry in latest["resources"] if entry["type"].endswith("network:Network"))
latest["pending_operations"] = [{"type": "creating", "resource": {**network, "inputs": {
    **network["inputs"], "name": "stealth-never-made"}, "urn": network["urn"] + "-more"}}]
json.dump(state, open(file, "w"))
"""


@dataclass(frozen=True, kw_only=True)
class Harm:
    """Something that is done to a server, and how it is undone."""

    title: str
    names: frozenset[str]
    """The names of all findings that it must lead to."""

    says: str
    """A part of a finding's sentence."""

    do: str
    undo: str
    waits: bool = False
    """Whether services must become healthy again."""


def harm(title: str, names: str, says: str, do: str, undo: str, *, waits: bool = False) -> Harm:
    return Harm(title=title, names=frozenset(names.split()), says=says, do=do, undo=undo, waits=waits)


def _configured(line: str) -> str:
    # Not at the end: there Pulumi has written its salt.
    return f"sed -i '/^config:/a \\  stealth-vpn:{line}' $stack"


HARMS = [
    harm("paused", "container-paused", "trojan is paused", "docker pause stealth-trojan",
         "docker unpause stealth-trojan"),
    harm("ended", "container-ended", "trojan does not run: it is exited", "docker stop --time 1 stealth-trojan",
         "docker start stealth-trojan", waits=True),
    harm("renamed", "container-missing container-renamed", "The container e2e-trojan is this server's trojan",
         "docker rename stealth-trojan e2e-trojan", "docker rename e2e-trojan stealth-trojan"),
    harm("restarts again and again", "restart-loop", "trojan has ended",
         "mv $volumes/stealth-trojan-rendered/_data/config.json $volumes/stealth-trojan-rendered/_data/aside; "
         "docker restart --time 1 stealth-trojan; "
         "until [ $(docker inspect -f {{.RestartCount}} stealth-trojan) -ge 3 ]; do sleep 0.2; done",
         "mv $volumes/stealth-trojan-rendered/_data/aside $volumes/stealth-trojan-rendered/_data/config.json; "
         "docker restart --time 1 stealth-trojan", waits=True),
    harm("fails its check", "check-fails", "wireguard fails its check now",
         "nsenter -t $(docker inspect -f {{.State.Pid}} stealth-wireguard) -n ip link set lo down",
         "nsenter -t $(docker inspect -f {{.State.Pid}} stealth-wireguard) -n ip link set lo up", waits=True),
    harm("memory nearly full", "memory-nearly-full", "of its 512 MiB of memory",
         f"docker exec --detach {_FILL.format(mebibytes=410)}; sleep 2", "docker restart --time 5 stealth-admin",
         waits=True),
    harm("memory used up", "container-out-of-memory", "admin used its 512 MiB of memory since it was started",
         f"docker exec {_FILL.format(mebibytes=600)} || true", "docker restart --time 5 stealth-admin", waits=True),
    harm("restart policy", "restart-policy", "its restart policy is no", "docker update --restart no stealth-trojan",
         "docker update --restart always stealth-trojan"),
    harm("runs though stopped", "runs-though-stopped", "trojan runs, but is to be stopped",
         _configured('stopped: ["trojan"]'), "sed -i /stopped/d $stack"),
    harm("port taken by a program", "port-taken container-ended", "Port 443/tcp is taken by python",
         f"docker stop --time 1 stealth-caddy; setsid $python -c {shlex.quote(_HOLD)} >held 2>&1 & "
         "echo $! >holder; until [ -s held ]; do sleep 0.1; done",
         "kill $(cat holder); rm held holder; docker start stealth-caddy", waits=True),
    harm("port taken by a container", "port-taken container-ended", "Port 443/udp is taken by the container e2e-thief",
         f"docker stop --time 1 stealth-caddy; docker run --detach --name e2e-thief --publish 443:443/udp {_SLEEP}",
         "docker rm --force e2e-thief; docker start stealth-caddy", waits=True),
    harm("not on the network", "network-left", "wireguard is not on the network stealth-vpn",
         "docker network disconnect stealth-vpn stealth-wireguard",
         "docker network connect --ip 172.20.0.14 stealth-vpn stealth-wireguard; docker restart stealth-wireguard",
         waits=True),
    harm("not on the panel's network", "network-left check-fails", "xray is not on the network stealth-control",
         "docker network disconnect stealth-control stealth-xray",
         "docker network connect --ip 172.21.0.11 stealth-control stealth-xray; docker restart stealth-xray",
         waits=True),
    harm("another address", "network-other-address", "trojan has 172.20.0.99 on the network stealth-vpn",
         "docker network disconnect stealth-vpn stealth-trojan; "
         "docker network connect --ip 172.20.0.99 stealth-vpn stealth-trojan",
         "docker network disconnect stealth-vpn stealth-trojan; docker network connect --ip 172.20.0.12 stealth-vpn "
         "stealth-trojan; docker restart stealth-trojan", waits=True),
    harm("addresses in use", "network-overlaps", "e2e-other of the engine's machine leads to 172.20.99.0/24",
         "ip link add e2e-other type bridge; ip address add 172.20.99.1/24 dev e2e-other; ip link set e2e-other up",
         "ip link delete e2e-other"),
    harm("small packets", "packets-small", "carries packets of 1200 bytes", "ip link set $bridge mtu 1200",
         "ip link set $bridge mtu 1500"),
    # Without an interface it means what containers send as well.
    harm("firewall refuses visitors", "firewall-drops firewall-drops-outgoing",
         "drops 443/tcp to Caddy, by its rule -A DOCKER-USER -p tcp -m tcp --dport 443 -j DROP",
         "iptables -I DOCKER-USER -p tcp --dport 443 -j DROP", "iptables -D DOCKER-USER -p tcp --dport 443 -j DROP"),
    harm("firewall lost Docker's ports", "firewall-not-published", "does not lead 443/udp to Caddy",
         "iptables-save >rules; iptables -t nat -F DOCKER", "iptables-restore <rules"),
    harm("firewall lost Docker's chains", "firewall-drops firewall-drops-outgoing", "by its policy",
         "iptables-save >rules; iptables -P FORWARD DROP; iptables -F FORWARD", "iptables-restore <rules"),
    harm("firewall translates nothing", "firewall-not-translated", "does not translate containers' addresses",
         "iptables-save >rules; iptables -t nat -F POSTROUTING", "iptables-restore <rules"),
    harm("nothing is forwarded", "forwarding-off", "does not forward IPv4", "sysctl -w net.ipv4.ip_forward=0",
         "sysctl -w net.ipv4.ip_forward=1"),
    harm("no device for WireGuard", "tun-missing", "/dev/net/tun is not there", "mount -t tmpfs none /dev/net",
         "umount /dev/net"),
    harm("resolver is silent", "resolver-silent", "The resolver 203.0.113.1 of dnsServers does not answer",
         "iptables -I INPUT -p udp --dport 53 -j DROP; iptables -I DOCKER-USER -p udp --dport 53 -j DROP",
         "iptables -D INPUT -p udp --dport 53 -j DROP; iptables -D DOCKER-USER -p udp --dport 53 -j DROP"),
    harm("other names", "certificate-other-name", "The certificate that is shown for www.other.test is not for that",
         "cp $stack aside; sed -i s/stealth.test/other.test/ $stack", "mv aside $stack"),
    harm("file may not be written", "volume-permissions", "admin may not write /var/lib/admin/panel.db",
         "chown 0:0 $volumes/stealth-admin-data/_data/panel.db",
         "chown 10006:10006 $volumes/stealth-admin-data/_data/panel.db"),
    harm("file may not be read", "volume-permissions", "xray may not read /etc/stealth/config.json",
         "chmod 0 $volumes/stealth-xray-rendered/_data/config.json",
         "chmod 400 $volumes/stealth-xray-rendered/_data/config.json"),
    harm("volume lost", "volume-lost", "The folder of the volume stealth-trojan-data",
         "mv $volumes/stealth-trojan-data/_data $volumes/stealth-trojan-data/aside",
         "mv $volumes/stealth-trojan-data/aside $volumes/stealth-trojan-data/_data"),
    harm("volume shared", "volume-shared",
         "The container e2e-guest, which this stack did not make, has stealth-caddy-data",
         "docker create --name e2e-guest --volume stealth-caddy-data:/data $admin", "docker rm e2e-guest"),
    harm("name taken", "name-taken", "The container stealth-extra is not made by this stack",
         "docker create --name stealth-extra $admin", "docker rm stealth-extra"),
    harm("probe left", "probe-left", "The container stealth-probe is of an `ops probe`",
         f"docker create --name stealth-probe --label org.stealth-vpn.probe={STACK} $admin", "docker rm stealth-probe"),
    harm("image gone", "image-missing", "The image stealth-vpn/xray:local is not there",
         "docker rmi --force stealth-vpn/xray:local",
         "docker tag $(docker inspect -f {{.Image}} stealth-xray) stealth-vpn/xray:local"),
    harm("passphrase readable", "file-open", ".pulumi-passphrase may be read by others: its mode is 644",
         "chmod 644 .pulumi-passphrase", "chmod 600 .pulumi-passphrase"),
    harm("dead lock", "state-locked", "The state is locked by a run that was ended by force",
         "mkdir -p $locks; sh -c 'echo {\\\"pid\\\": $$, \\\"hostname\\\": \\\"'$(hostname)'\\\"}' >$locks/e2e.json",
         "rm $locks/e2e.json"),
    harm("half-done work", "state-half-done", "A former run was killed while it changed stealth-",
         f"cp $state aside; $python -c {shlex.quote(_PENDING)} $state", "mv aside $state"),
    harm("passphrase lost", "passphrase-missing", ".pulumi-passphrase is missing", "mv .pulumi-passphrase aside",
         "mv aside .pulumi-passphrase"),
    harm("another passphrase", "passphrase-wrong", "does not open the state",
         "cp -p .pulumi-passphrase aside; echo another >.pulumi-passphrase", "mv aside .pulumi-passphrase"),
    harm("state lost", "state-missing", "The server is here, but the state of the stack e2e is not", "mv $state aside",
         "mv aside $state"),
    harm("state damaged", "state-damaged", "The state of the stack e2e cannot be read",
         "cp $state aside; truncate -s 1000 $state", "mv aside $state"),
    harm("no configuration", "configuration-unreadable", "has no file Pulumi.e2e.yaml", "mv $stack aside",
         "mv aside $stack"),
    harm("engine silent", "engine-silent", "Docker Engine at unix:///run/e2e-none.sock does not answer",
         _configured("dockerHost: unix:///run/e2e-none.sock"), "sed -i /dockerHost/d $stack"),
]


@pytest.fixture(scope="module")
def patient(server: Server, beyond: Outside) -> Iterator[Server]:
    """The server, with a resolver that answers; the next test finds it as the configuration says."""
    server.stand()
    # What other tests have ended counts until a start by hand.
    docker("restart", "--time", "1", *(f"stealth-{name}" for name in SERVICES))
    await_healthy(*SERVICES)
    yield server
    server.standing = None


def shell(server: Server, script: str) -> None:
    """Run a script in the checkout's folder; fails with what it said."""
    known = {
        "volumes": f"{docker('info', '--format', '{{.DockerRootDir}}')}/volumes", "stack": f"Pulumi.{STACK}.yaml",
        "state": f".pulumi/stacks/stealth-vpn/{STACK}.json", "locks": f".pulumi/locks/organization/stealth-vpn/{STACK}",
        "bridge": f"br-{docker('network', 'inspect', '--format', '{{.Id}}', 'stealth-vpn')[:12]}",
        "admin": inspect("admin")["Image"], "python": sys.executable}
    done = subprocess.run(["bash", "-ec", script], cwd=server.folder, env=os.environ | known, capture_output=True,
                          text=True, timeout=_SHELL_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def harmed(server: Server, what: Harm) -> Iterator[None]:
    try:
        shell(server, what.do)
        yield
    finally:
        shell(server, what.undo)
        if what.waits:
            await_healthy(*SERVICES)


def findings(server: Server) -> list[dict[str, Any]]:
    done = server.ops("doctor", "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["findings"] else 0)
    listed: list[dict[str, Any]] = found["findings"]
    return listed


def awaited(server: Server, names: set[str] | frozenset[str]) -> list[dict[str, Any]]:
    """Return what is found once it is what must be; else what is found in the end.

    The panel sees a service come back, and says so, some seconds later than the engine.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = findings(server)
        if {item["name"] for item in found} == names or time.monotonic() > end:
            return found


def test_nothing_is_found_on_a_well_server(patient: Server) -> None:
    assert awaited(patient, set()) == []
    assert "Nothing is wrong: looked at engine, kernel, ports," in patient.ops("doctor").stdout


@pytest.mark.parametrize("what", HARMS, ids=[item.title for item in HARMS])
def test_a_harm_is_found_by_its_name_and_nothing_else_is(patient: Server, what: Harm) -> None:
    with harmed(patient, what):
        found = awaited(patient, what.names)
    assert {item["name"] for item in found} == what.names, found
    assert any(what.says in item["fault"] for item in found), found
    assert all(item["fix"] for item in found)


def test_what_can_be_mended_without_loss_is_mended(patient: Server) -> None:
    titles = {"paused", "restart policy", "file may not be written", "name taken", "probe left", "image gone",
              "passphrase readable", "dead lock", "half-done work", "nothing is forwarded"}
    chosen = {item.title: item for item in HARMS if item.title in titles}
    assert chosen.keys() == titles
    for item in chosen.values():
        shell(patient, item.do)
    done = patient.ops("doctor", "--fix", "--yes")
    assert done.returncode == 1, done.stdout
    # That one may be somebody's work: only a person may remove it.
    assert [line for line in done.stdout.splitlines()[-3:] if line.startswith("!")] == [
        "! The container stealth-extra is not made by this stack, but has a name of this server's."], done.stdout
    shell(patient, chosen["name taken"].undo)
    assert awaited(patient, set()) == []


def test_the_engine_s_machine_is_looked_at_over_ssh_too(
    patient: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ssh_server(tmp_path) as far:
        # What an operator would write into ~/.ssh/config.
        client = tmp_path / "bin" / "ssh"
        client.parent.mkdir()
        client.write_text(f"#!/bin/sh\nexec {shutil.which('ssh')} {shlex.join(far.options())} \"$@\"\n")
        client.chmod(0o755)
        monkeypatch.setenv("PATH", f"{client.parent}:{os.environ['PATH']}")
        shell(patient, f"cp $stack remembered; {_configured(f'dockerHost: ssh://root@127.0.0.1:{far.port}')}")
        try:
            assert findings(patient) == []
            for title in ("firewall refuses visitors", "no device for WireGuard", "file may not be read"):
                what = next(item for item in HARMS if item.title == title)
                with harmed(patient, what):
                    assert {item["name"] for item in findings(patient)} == what.names
        finally:
            shell(patient, "mv remembered $stack")


def test_nothing_is_found_at_the_end(patient: Server) -> None:
    assert awaited(patient, set()) == []
    assert set(docker("ps", "--all", "--filter", f"label={LABEL}={STACK}", "--format", "{{.Names}}").split()) >= {
        f"stealth-{name}" for name in SERVICES}
