import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from ops import repair, target
from ops.cli import main
from ops.docker import Engine
from ops.errors import OperatorError
from ops.fleet import access, commands, hosts, images, leaving, reach, status
from ops.fleet.hosts import Host
from ops.panel import Panel
from ops.stack import Stack
from ops.target import Target
from ops.verify.state import State

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvb2ttYXJrLW9mLWEtdGVzdC1hbmQtbm8ta2V5ISE="
AGENTS = ["172.21.0.11:8020", "172.21.0.12:8020"]
TWO, THREE = (Host(name=name, docker_host=f"ssh://deploy@{name}.example.org", domain=f"{name}.example.org")
              for name in ("two", "three"))
AWAY = "Docker Engine at ssh://deploy@two.example.org does not answer: no route. Start it."
STACK = "urn:pulumi:prod::stealth-vpn::"
SERVER = f"{STACK}stealth-vpn:fleet:Server$stealth-vpn:docker:Daemon$stealth-vpn:docker:Service$docker:index/container"


def entry(name: str) -> dict[str, str]:
    return {"name": name, "dockerHost": f"ssh://deploy@{name}.example.org", "domain": f"{name}.example.org",
            "hostKey": KEY}


class World:
    """A stack's file, engines that answer or not, and all that is done, in order."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "Pulumi.prod.yaml"
        self.done: list[str] = []
        self.away: set[str] = set()
        self.asked: list[tuple[str, ...]] = []

    def write(self, *names: str) -> None:
        values = {"domain": "one.example.org", "email": "a@example.org", "dockerHost": "unix:///var/run/docker.sock",
                  "databaseUrl": {"secure": "v1:x"}, "hosts": [entry(name) for name in names]}
        self.file.write_text(yaml.safe_dump({"config": {f"stealth-vpn:{key}": value for key, value in values.items()}}))

    def did(self, what: str, answer: Any) -> Any:
        self.done.append(what)
        return answer

    @property
    def hosts(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = yaml.safe_load(self.file.read_text())["config"]["stealth-vpn:hosts"]
        return found

    def version(self, engine: Engine) -> str:
        if any(f"{name}.example.org" in engine.host for name in self.away):
            raise OperatorError(AWAY)
        return "26.1.5"

    def ask(self, engine: Engine, *words: str) -> subprocess.CompletedProcess[str]:
        self.asked.append((engine.host, *words))
        return subprocess.CompletedProcess(words, 0, "a1\n" if "--filter" in words else "", "")

    def on_host(self, engine: Engine, script: str) -> subprocess.CompletedProcess[str]:
        self.done.append(f"script on {engine.host}")
        return subprocess.CompletedProcess(script, 0, f"{KEY} root@new\n", "")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    (tmp_path / "Pulumi.yaml").write_text(Path("Pulumi.yaml").read_text())
    made = World(tmp_path)
    made.write("two", "three")
    real = target.settings
    monkeypatch.setattr(hosts, "settings", lambda stack: real(stack, tmp_path))
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    read = Target.read
    monkeypatch.setattr(Target, "read", lambda stack: read(stack, tmp_path))
    monkeypatch.setattr(Engine, "version", lambda engine: made.version(engine))
    monkeypatch.setattr(Engine, "ask", lambda engine, *words: made.ask(engine, *words))
    monkeypatch.setattr(Engine, "on_host", lambda engine, script: made.on_host(engine, script))
    monkeypatch.setattr(commands, "refuse_unfinished", lambda _: None)
    monkeypatch.setattr(commands, "_deploy", lambda _: made.done.append("deploy"))
    monkeypatch.setattr(Stack, "prepare", lambda _: None)
    monkeypatch.setattr(leaving, "forget", lambda _, host: made.did(f"forget {host.name}", 40))
    return made


def run(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["--stack", "prod", "hosts", *words], input=answer)


def test_the_list_has_the_panel_s_own_server_and_says_who_does_not_answer(world: World) -> None:
    world.away = {"two"}
    said = run("list").output
    assert [line.split()[0] for line in said.splitlines()[1:4]] == ["main", "two", "three"]
    assert f"! two: {AWAY}" in said
    rows = json.loads(run("list", "--json").output)
    assert {row["name"]: bool(row["fault"]) for row in rows} == {"main": False, "two": True, "three": False}


def test_a_host_is_added_with_the_key_that_it_shows_to_the_operator_s_ssh(world: World) -> None:
    done = run("add", "four", "ssh://deploy@four.example.org", "--domain", "four.example.org", "--yes")
    assert done.exit_code == 0, done.output
    assert world.hosts == [entry("two"), entry("three"), entry("four")]
    assert world.done == ["script on ssh://deploy@four.example.org", "deploy"]


@pytest.mark.parametrize(("words", "fault"), [
    (("add", "two", "ssh://deploy@four.example.org", "--domain", "four.example.org"), "has one of its own"),
    (("add", "Four", "ssh://deploy@four.example.org", "--domain", "four.example.org"), "lower-case letters"),
    (("add", "four", "tcp://four:2375", "--domain", "four.example.org"), "no address of a Docker Engine"),
    (("add", "four", "ssh://four", "--domain", "four.example.org", "--host-key", "ssh-dss A"), "hostKey of four"),
    (("remove", "nine"), "there is no further host nine; there are: two, three"),
    (("replace", "nine", "ssh://x"), "there is no further host nine"), (("drain", "nine"), "no further host nine"),
    (("replace", "two", "ssh://deploy@three.example.org"), "has one of its own"),
])
def test_what_the_program_would_refuse_is_refused_before_anything_is_done(
    world: World, words: tuple[str, ...], fault: str,
) -> None:
    before = world.file.read_text()
    done = run(*words, *(() if words[0] == "drain" else ("--yes",)))
    assert (done.exit_code, fault in done.output) == (1, True), done.output
    assert world.file.read_text() == before
    assert "deploy" not in world.done


def test_a_host_that_does_not_answer_is_not_added(world: World) -> None:
    world.away = {"four"}
    assert run("add", "four", "ssh://deploy@four.example.org", "--domain", "four.example.org", "--yes").exit_code == 1
    assert len(world.hosts) == 2


@pytest.mark.parametrize("words", [("remove", "two"), ("replace", "two", "ssh://deploy@new.example.org"),
                                   ("add", "four", "ssh://deploy@four.example.org", "--domain", "four.example.org")])
def test_each_asks_first_and_no_changes_nothing(world: World, words: tuple[str, ...]) -> None:
    assert run(*words, answer="n\n").exit_code == 1
    assert [host["name"] for host in world.hosts] == ["two", "three"]
    assert {"forget two", "deploy"} & set(world.done) == set()


def test_a_removed_host_keeps_nothing_and_no_other_engine_is_touched(world: World) -> None:
    done = run("remove", "two", "--yes")
    assert done.exit_code == 0, done.output
    assert world.hosts == [entry("three")]
    assert world.done == ["script on ssh://deploy@two.example.org", "forget two", "deploy"]
    assert {words[0] for words in world.asked} == {"ssh://deploy@two.example.org"}
    assert [words[1:] for words in world.asked if "rm" in words] == [
        ("container", "rm", "--force", "a1"), ("network", "rm", "a1"), ("volume", "rm", "--force", "a1")]
    assert all("label=org.stealth-vpn.stack=prod" in words for words in world.asked if "--filter" in words)


def test_a_host_that_is_lost_is_replaced_all_the_same(world: World) -> None:
    world.away = {"two"}
    done = run("replace", "two", "ssh://deploy@new.example.org", "--domain", "new.example.org", "--yes")
    assert done.exit_code == 0, done.output
    assert world.hosts[0] == entry("two") | {"dockerHost": "ssh://deploy@new.example.org", "domain": "new.example.org"}
    assert world.hosts[1] == entry("three")
    assert world.done == ["script on ssh://deploy@new.example.org", "forget two", "deploy"]
    assert world.asked == []
    assert "cannot be reached, and keeps what it has" in done.output


def test_a_replaced_host_keeps_its_domain_unless_another_is_named(world: World) -> None:
    run("replace", "two", "ssh://deploy@new.example.org", "--yes")
    assert world.hosts[0]["domain"] == "two.example.org"


@pytest.mark.parametrize(("command", "drained"), [("drain", True), ("undrain", False)])
def test_the_panel_is_asked_to_tell_users_of_a_host_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch, command: str, drained: bool,
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(Panel, "call", lambda _, *words: asked.append(words))
    for name in ("two", "main"):
        assert run(command, name).exit_code == 0
    assert asked == [("PUT", f"/hosts/{name}", {"drained": drained}) for name in ("two", "main")]
    assert len(world.hosts) == 2


def test_hosts_that_do_not_answer_are_left_out_by_patterns_that_find_nothing_of_any_other() -> None:
    found = reach.Reach(there=(THREE,), away={TWO: AWAY})
    words = found.exclusions()
    assert words[::2] == ["--exclude"] * 3
    assert words[1::2] == [
        "urn:pulumi:*::stealth-vpn::stealth-vpn:fleet:Server$**::**-two",
        "urn:pulumi:*::stealth-vpn::stealth-vpn:fleet:Server::server-two",
        "urn:pulumi:*::stealth-vpn::pulumi:providers:docker::engine-two"]
    said: list[str] = []
    found.tell(said.append)
    assert said == [f"Host two is left out: {AWAY}"]
    with pytest.raises(OperatorError, match="all was done but on two"):
        reach.refuse_left_out({"two"})
    reach.refuse_left_out(())
    assert reach.Reach().exclusions() == []


def test_all_engines_are_asked_and_a_server_alone_asks_none(world: World) -> None:
    world.away = {"two"}
    found = reach.ask([TWO, THREE])
    assert (found.there, found.away) == ((THREE,), {TWO: AWAY})
    assert reach.ask([]) == reach.Reach()


def export(*urns: str, pending: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"version": 3, "deployment": {
        "resources": [{"urn": urn, "type": "t"} for urn in urns],
        "pending_operations": [{"type": "creating", "resource": {
            "urn": urn, "type": "docker:index/container:Container",
            "inputs": {"name": urn.rpartition("::")[2].removesuffix("-two")}}} for urn in pending]}}


def test_a_host_is_forgotten_with_its_secrets_and_nothing_waits_for_it() -> None:
    seed = f"{STACK}stealth-vpn:random:Secrets$random:index/randomPassword:RandomPassword::xray-seed"
    own = [f"{SERVER}:Container::stealth-xray-two", f"{seed}-two", f"{STACK}pulumi:providers:docker::engine-two",
           f"{STACK}stealth-vpn:fleet:Server::server-two", f"{STACK}stealth-vpn:random:Secrets::secrets-two"]
    others = [f"{SERVER}:Container::stealth-xray-three", f"{seed}-three", seed,
              f"{STACK}pulumi:providers:docker::engine", f"{STACK}docker:index/container:Container::stealth-xray"]
    state = export(*own, *others, pending=(own[0], others[0]))
    panel = {"urn": f"{STACK}x::stealth-admin-writer", "dependencies": [f"{seed}-two", seed],
             "propertyDependencies": {"uploads": [f"{seed}-two", f"{seed}-three"], "image": None}}
    state["deployment"]["resources"].append(panel)
    left, count = leaving.without(state, "two")
    assert count == len(own)
    assert [item["urn"] for item in left["deployment"]["resources"]] == [*others, panel["urn"]]
    assert left["deployment"]["resources"][-1]["dependencies"] == [seed]
    assert left["deployment"]["resources"][-1]["propertyDependencies"] == {"uploads": [f"{seed}-three"], "image": []}
    assert [item["resource"]["urn"] for item in left["deployment"]["pending_operations"]] == [others[0]]
    assert state["deployment"]["resources"][-1] is panel


def test_what_is_half_made_on_one_host_is_never_looked_for_on_another() -> None:
    main, two = f"{STACK}docker:index/container:Container::stealth-xray", f"{SERVER}:Container::stealth-caddy-two"
    text = json.dumps(export(pending=(main, two)))
    assert repair.half_made(text)["container"] == ["stealth-xray"]
    assert repair.half_made(text, "two")["container"] == ["stealth-caddy"]
    assert repair.half_made(text, "three")["container"] == []

    def left(*asked: str) -> list[str]:
        pending = json.loads(repair.without_half_made(text, asked))["deployment"]["pending_operations"]
        return [item["resource"]["urn"] for item in pending]

    # On a host that is away it still is there when that comes back.
    assert (left(), left("two")) == ([two], [])


def test_the_promises_of_a_server_are_not_mixed_with_those_of_others() -> None:
    text = json.dumps(export(
        f"{STACK}docker:index/container:Container::stealth-xray", f"{SERVER}:Container::stealth-xray-two"))
    assert [item.name for item in State.parse(text).resources] == ["stealth-xray"]


def test_the_tunnel_s_key_opens_the_agents_and_nothing_else() -> None:
    script = access.granting(KEY, AGENTS)
    line = next(part for part in script.split("'") if part.startswith("restrict,"))
    assert line == ('restrict,port-forwarding,permitopen="172.21.0.11:8020",permitopen="172.21.0.12:8020",'
                    f'command="/bin/false" {KEY} stealth-vpn')
    assert "PermitOpen 172.21.0.11:8020 172.21.0.12:8020" in script
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0
    program = Path(sys.executable).with_name("shellcheck")
    shellcheck = subprocess.run([program, "--shell", "sh", "-"], input=script, text=True, check=False,
                                capture_output=True)
    assert shellcheck.returncode == 0, shellcheck.stdout


def test_a_host_that_cannot_let_the_tunnel_in_is_named_with_the_reason(
    world: World, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Stack, "outputs", lambda _: {"tunnel": {"publicKey": KEY, "agents": AGENTS}})
    refused = subprocess.CompletedProcess("", 1, "", "this user is not root there\n")
    monkeypatch.setattr(Engine, "on_host", lambda engine, _: refused if "two" in engine.host else
                        subprocess.CompletedProcess("", 0, "", ""))
    assert access.grant(Stack("prod", print), [TWO, THREE]) == {"two": "this user is not root there"}
    assert access.grant(Stack("prod", print), []) == {}
    for told in ({}, {"tunnel": {"publicKey": "[secret]", "agents": AGENTS}}):
        monkeypatch.setattr(Stack, "outputs", lambda _, said=told: said)
        with pytest.raises(OperatorError, match="has told no key of the tunnel"):
            access.grant(Stack("prod", print), [TWO])
    assert world.done == []


def test_images_come_to_each_host_that_lacks_some_before_the_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "ask", lambda *words: subprocess.CompletedProcess((), 0, f"id of {words[-1]}\n", ""))
    monkeypatch.setattr(Engine, "has_image", lambda engine, image: "two" in engine.host or "xray" not in image)
    carried: list[tuple[str, list[str]]] = []

    def carry(_: Engine, to: Engine, ids: list[str]) -> str:
        carried.append((to.host, ids))
        return "the disk is full"

    monkeypatch.setattr(images, "carry", carry)
    found = images.bring(Engine("unix:///x"), reach.Reach(there=(TWO, THREE)), {}, print)
    assert carried == [(THREE.docker_host, ["id of stealth-vpn/xray:local"])]
    assert found.there == (TWO,)
    assert found.away == {THREE: "the images did not arrive there: the disk is full."}
    assert images.bring(Engine("unix:///x"), reach.Reach(), {}, print) == reach.Reach()
    assert len(carried) == 1, "a server alone has nobody to carry to"


def test_status_tells_of_each_host_and_of_one_that_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.away = {"two"}
    monkeypatch.setattr(Engine, "inspect_services", lambda *_: [])
    two, three = status.look([TWO, THREE], Target.read("prod"))
    assert two.line == "Host two (two.example.org): does not answer."
    assert two.faults == [f"Host two does not answer: {AWAY}"]
    assert three.line == "Host three (three.example.org): 0 of 5 services are healthy."
    assert "caddy on three has no container. Run `make up`." in three.faults
    assert len(three.document()["services"]) == 5
    assert status.look([], Target.read("prod")) == ()


def test_commands_for_one_server_by_turns_refuse_a_fleet(world: World) -> None:
    with pytest.raises(OperatorError, match=r"stack prod is a fleet, but .*`git pull` and `make up`"):
        hosts.refuse_fleet("prod")
    world.write()
    hosts.refuse_fleet("prod")


def test_a_list_of_hosts_that_is_none_is_told(world: World) -> None:
    with pytest.raises(OperatorError, match="hosts must be a list of objects"):
        hosts.of({"hosts": ["ssh://two"]})
    assert hosts.of({"hosts": []}) == []
    assert world.done == []
