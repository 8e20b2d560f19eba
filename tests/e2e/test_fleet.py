"""A fleet of three real hosts: users are on all, one is replaced under load, and none needs the panel's host."""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest

from ops import subscription
from ops.panel import Panel
from tests.admin.postgresql.server import IMAGE as DATABASE_IMAGE
from tests.e2e import hosts as playground
from tests.e2e.client import IMAGE as CLIENTS_IMAGE
from tests.e2e.client import Client, client
from tests.e2e.deployment import SERVICES, Server, docker
from tests.e2e.hosts import Host, hosts
from tests.e2e.machines import build_images
from tests.e2e.programs import program
from tests.e2e.stacks import Stack

# Four hosts with an engine each, some minutes: what mocks cannot show.
pytestmark = [pytest.mark.integration, pytest.mark.long]

FURTHER = ("two", "three")
_SERVICES = {f"stealth-{name}" for name in SERVICES if name != "admin"}
_SYNCED_SECONDS = 5
_BYTES = 40_000_000
_DATABASE, _ORIGIN = "e2e-fleet-database", "e2e-fleet-origin"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The stack, and the host of each server by its name; `spare` is none yet."""

    stack: Stack
    hosts: dict[str, Host]
    spare: Host
    origin: str
    """URL of bytes, for clients."""

    @property
    def panel(self) -> Panel:
        """The panel, asked by ssh."""
        return Panel(self.hosts["main"].engine)

    def running(self, name: str) -> dict[str, str]:
        """Return the id of each healthy container there."""
        lines = self.hosts[name].docker(
            "ps", "--no-trunc", "--filter", "health=healthy", "--format", "{{.Names}} {{.ID}}")
        return dict(line.split() for line in lines.splitlines())

    def add(self, user: str) -> str:
        """Add a user, and return their link."""
        made = self.panel.call("POST", "/users", {"name": user})["id"]
        url: str = self.panel.call("GET", f"/users/{made}/link")["url"]
        return url

    def ways(self, url: str) -> dict[str, str]:
        """Return what a link tells, by host and protocol."""
        outputs = json.loads(self.stack.run(
            "pulumi", "stack", "output", "--json", "--stack", self.stack.name).stdout)
        text = subscription.answer(url, "json", self.hosts["main"].ip, outputs["authorityCertificate"])
        return {name if "/" in name else f"main/{name}": way for name, way in json.loads(text).items()}

    @contextmanager
    def client(self, user: str, host: str, link: str) -> Iterator[Client]:
        """Run a client of VLESS with REALITY, which trusts the key in its link alone."""
        with client(f"{user}-{host}", program("vlessReality", link), "", server=self.hosts[host].ip,
                    network=playground.NETWORK) as made:
            yield made


def entry(name: str, host: Host) -> dict[str, str]:
    return {"name": name, "dockerHost": host.address, "domain": f"{name}.test",
            "hostKey": " ".join((host.folder / "ssh_host_ed25519_key.pub").read_text().split()[:2])}


@contextmanager
def beside(name: str, image: str, *words: str, stdin: str = "") -> Iterator[str]:
    """Run a container beside the hosts; the value is its address."""
    docker("rm", "--force", name, check=False)
    entry_point = ["--entrypoint", words[0]] if words else []
    attached = subprocess.Popen(["docker", "run", "--interactive", "--name", name, "--network", playground.NETWORK,
                                 *entry_point, image, *words[1:]], stdin=subprocess.PIPE, text=True)
    try:
        assert attached.stdin
        attached.stdin.write(stdin)
        attached.stdin.close()
        end = time.monotonic() + 30
        while not (ip := docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name,
                                check=False)):
            assert time.monotonic() < end
            time.sleep(0.1)
        yield ip
    finally:
        docker("rm", "--force", name, check=False)
        attached.wait(timeout=30)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    build_images(tmp_path_factory.mktemp("here"))
    folder = Server(tmp_path_factory.mktemp("checkout")).folder
    (folder / ".pulumi-passphrase").touch(0o600)
    (folder / ".pulumi-passphrase").write_text("of tests only")
    password = secrets.token_hex(16)
    with ExitStack() as stack:
        main, two, three, spare = stack.enter_context(hosts(tmp_path_factory.mktemp("hosts"), 4))
        database = stack.enter_context(beside(_DATABASE, DATABASE_IMAGE, stdin=password))
        origin = stack.enter_context(beside(
            _ORIGIN, CLIENTS_IMAGE, "/usr/local/bin/visitor", "serve", "-address", "0.0.0.0:8090"))
        made = Stack(folder, "prod", main)
        assert made.run("pulumi", "stack", "init", "prod").returncode == 0
        address = f"postgresql+psycopg://panel:{password}@{database}/postgres"
        done = made.run("pulumi", "config", "set", "--secret", "databaseUrl", address, "--stack", "prod")
        assert done.returncode == 0, done.stdout
        (secret,) = re.findall(r"databaseUrl:\n\s+secure: (\S+)", (folder / "Pulumi.prod.yaml").read_text())
        # Those of before stand: their own tests say how a machine is made ready.
        made.configure(databaseUrl={"secure": secret}, hostSetup=False, buildOn="host",
                       hosts=[entry("two", two), entry("three", three)])
        print(made.up())
        yield Fleet(stack=made, hosts={"main": main, "two": two, "three": three}, spare=spare,
                    origin=f"http://{origin}:8090/bytes")


def test_each_host_runs_its_server_and_another_deploy_changes_nothing(fleet: Fleet) -> None:
    assert fleet.running("main").keys() == _SERVICES | {"stealth-admin", "stealth-tunnel"}
    before = {name: fleet.running(name) for name in fleet.hosts}
    for name in FURTHER:
        assert before[name].keys() == _SERVICES
    assert "No changes" in fleet.stack.up()
    assert {name: fleet.running(name) for name in fleet.hosts} == before
    said = fleet.stack.ops("status")
    assert said.returncode == 0, said.stdout
    assert "and those of 2 further hosts" in said.stdout


def test_a_further_host_is_looked_at_and_restarted_by_the_same_commands(fleet: Fleet) -> None:
    before = {name: fleet.running(name) for name in fleet.hosts}
    began = fleet.hosts["two"].docker("inspect", "--format", "{{.State.StartedAt}}", "stealth-xray")
    said = fleet.stack.ops("health", "--host", "two")
    assert (said.returncode, "All is well: 5 checks passed." in said.stdout) == (0, True), said.stdout
    assert fleet.stack.ops("restart", "xray", "--host", "two").returncode == 0
    assert fleet.hosts["two"].docker("inspect", "--format", "{{.State.StartedAt}}", "stealth-xray") != began
    assert "xray" in fleet.stack.ops("logs", "xray", "5", "--host", "two").stdout.lower()
    assert {name: fleet.running(name) for name in fleet.hosts} == before
    found = json.loads(fleet.stack.ops("doctor", "--json", "--host", "two").stdout)["findings"]
    # The machine is a container, whose clock and memory are this one's, and its names are nobody's.
    assert [finding for finding in found if finding["check"] in {"containers", "ports", "images", "certificates",
                                                                 "strangers", "networks", "volumes"}] == []
    fleet.hosts["two"].docker("pause", "stealth-trojan")
    try:
        found = json.loads(fleet.stack.ops("doctor", "--json", "--host", "two").stdout)["findings"]
        assert "container-paused" in {finding["name"] for finding in found}
        assert "container-paused" not in fleet.stack.ops("doctor", "--json").stdout
    finally:
        fleet.hosts["two"].docker("unpause", "stealth-trojan")


def test_the_tunnel_s_account_can_do_nothing_but_forward_to_the_agents(fleet: Fleet) -> None:
    for name in FURTHER:
        host = fleet.hosts[name]
        assert host.run("getent passwd stealth-tunnel").strip().endswith(":/usr/sbin/nologin")
        keys = host.run("cat /var/lib/stealth-tunnel/.ssh/authorized_keys")
        assert keys.startswith("restrict,port-forwarding,permitopen=")
        told = host.run("sshd -T -C user=stealth-tunnel,host=x,addr=192.0.2.1 | grep -i '^permitopen'")
        assert told.count(":8020") == 4
    listening = fleet.hosts["two"].run("ss -Htln | awk '{print $4}'").split()
    assert {place.rpartition(":")[2] for place in listening if not place.startswith("127.")} == {"22", "80", "443"}


def test_a_user_who_is_added_once_gets_through_on_every_host_within_5_s(fleet: Fleet) -> None:
    began = time.monotonic()
    url = fleet.add("alice")
    while any(engine["state"] != "applied" for engine in fleet.panel.call("GET", "/overview")["engines"]):
        assert time.monotonic() < began + 4 * _SYNCED_SECONDS
        time.sleep(0.1)
    took = time.monotonic() - began
    print(f"all engines of all hosts had the user after {took:.2f} s")
    ways = fleet.ways(url)
    assert {way.partition("/")[0] for way in ways} == set(fleet.hosts)
    for name in fleet.hosts:
        with fleet.client("alice", name, ways[f"{name}/vlessReality"]) as made:
            assert made.fetch_when_ready(f"{fleet.origin}/1000").returncode == 0, name
    assert took < _SYNCED_SECONDS


def test_a_host_that_is_drained_is_told_to_users_no_more(fleet: Fleet) -> None:
    url = fleet.add("dora")
    fleet.stack.ops("hosts", "drain", "three")
    assert {way.partition("/")[0] for way in fleet.ways(url)} == {"main", "two"}
    fleet.stack.ops("hosts", "undrain", "three")
    assert {way.partition("/")[0] for way in fleet.ways(url)} == set(fleet.hosts)


def test_a_host_that_is_lost_is_left_out_and_replaced_while_traffic_on_the_others_goes_on(fleet: Fleet) -> None:
    url = fleet.add("bob")
    ways, before = fleet.ways(url), {name: fleet.running(name) for name in ("main", "three")}
    fleet.hosts["two"].kill()
    said = fleet.stack.fails("up")
    assert "Host two is left out" in said
    assert "all was done but on two" in said
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        clients = [stack.enter_context(fleet.client("bob", name, ways[f"{name}/vlessReality"]))
                   for name in ("main", "three")]
        for made in clients:
            assert made.fetch_when_ready(f"{fleet.origin}/1000").returncode == 0
        stop: list[bool] = []
        loads = [pool.submit(_download_until, made, fleet.origin, stop) for made in clients]
        done = fleet.stack.ops("hosts", "replace", "two", fleet.spare.address, "--domain", "second.test",
                               "--host-key", entry("two", fleet.spare)["hostKey"], "--yes")
        stop.append(True)
        assert done.returncode == 0, done.stdout
        assert [load.result(timeout=120) for load in loads] == [0, 0], "downloads that broke off"
    for name, containers in before.items():
        assert {key: value for key, value in fleet.running(name).items() if key in _SERVICES} == {
            key: value for key, value in containers.items() if key in _SERVICES}
    fleet.hosts["two"] = fleet.spare
    after = fleet.ways(url)
    assert "second.test" in after["two/vlessReality"]
    with fleet.client("bob", "two", after["two/vlessReality"]) as made:
        assert made.fetch_when_ready(f"{fleet.origin}/1000").returncode == 0


def test_all_others_go_on_while_the_panel_s_host_is_down(fleet: Fleet) -> None:
    ways = fleet.ways(fleet.add("carol"))
    time.sleep(_SYNCED_SECONDS)
    fleet.hosts["main"].kill()
    try:
        for name in FURTHER:
            with fleet.client("carol", name, ways[f"{name}/vlessReality"]) as made:
                assert made.fetch_when_ready(f"{fleet.origin}/1000").returncode == 0, name
    finally:
        fleet.hosts["main"].start()


def _download_until(made: Client, origin: str, stop: list[bool]) -> int:
    """Download again and again, and return how many of the downloads broke off."""
    broken = 0
    while not stop:
        broken += bool(made.transfer_until_cut(f"{origin}/{_BYTES}").fault)
    return broken
