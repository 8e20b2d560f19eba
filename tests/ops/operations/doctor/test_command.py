"""The command: what it prints, and what --fix does and leaves."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.docker import Engine
from ops.errors import OperatorError
from ops.operations.doctor import command
from ops.target import Target
from tests.ops.operations.fakes import FakeEngine, entry, ops

FOLDER = Path("ops/operations/doctor")


def test_on_a_well_server_nothing_is_found(well: FakeEngine) -> None:
    done = ops("doctor")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Nothing is wrong: looked at engine, kernel, ports,")
    assert json.loads(ops("doctor", "--json").stdout) == {"well": True, "mended": [], "findings": []}


def test_people_get_each_fault_with_its_fix_and_a_verdict(well: FakeEngine) -> None:
    well.entries["xray"] = entry("xray", "paused")
    assert ops("doctor").output.splitlines() == [
        "! xray is paused.", "    -> ops start xray", "1 thing is wrong. `ops doctor --fix` mends it."]


def test_programs_get_the_findings(well: FakeEngine) -> None:
    del well.entries["xray"]
    (first,) = json.loads(ops("doctor", "--json").stdout)["findings"]
    assert first == {"check": "containers", "name": "container-missing", "subject": "xray", "details": "",
                     "fault": "xray has no container.", "fix": "make up", "repairable": True}


def test_what_is_stopped_is_not_wrong_unless_it_runs(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    target = replace(Target.read("local"), stopped=frozenset({"xray"}))
    monkeypatch.setattr(Target, "read", lambda _: target)
    well.entries["xray"] = entry("xray", "exited", out_of_memory=True)
    well.overview["warnings"] = ["xray lacks changes of users."]
    assert ops("doctor").exit_code == 0
    well.entries["xray"] = entry("xray")
    assert "! xray runs, but is to be stopped." in ops("doctor").output


def mending(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a paused service run once it is told to."""
    ask = Engine.ask

    def told(engine: Engine, *words: str) -> Any:
        if words == ("unpause", "stealth-xray"):
            well.entries["xray"] = entry("xray")
        return ask(engine, *words)
    well.entries["xray"] = entry("xray", "paused")
    monkeypatch.setattr(Engine, "ask", told)


def test_fix_asks_and_mends_and_looks_again(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    mending(well, monkeypatch)
    refused = CliRunner().invoke(main, ["doctor", "--fix"], input="n\n")
    assert refused.exit_code == 1
    assert well.entries["xray"]["State"]["Status"] == "paused"
    done = CliRunner().invoke(main, ["doctor", "--fix"], input="y\n")
    assert done.exit_code == 0, done.output
    assert "This lets stealth-xray go on ..." in done.output
    assert done.output.splitlines()[-1].startswith("Nothing is wrong")


def test_programs_get_what_was_mended_and_nothing_else_on_standard_output(
    well: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    mending(well, monkeypatch)
    done = ops("doctor", "--fix", "--yes", "--json")
    assert json.loads(done.stdout) == {"well": True, "mended": ["lets stealth-xray go on"], "findings": []}
    assert "This lets stealth-xray go on" in done.stderr


def test_what_cannot_be_mended_is_left_and_told(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    well.entries["xray"] = entry("xray", "paused")
    well.refused.add("unpause")
    done = ops("doctor", "--fix", "--yes")
    assert done.exit_code == 1
    assert "That did not work: `docker unpause stealth-xray` failed" in done.output
    assert "! xray is paused." in done.output


def test_a_deploy_mends_several_things_and_is_made_once(well: FakeEngine) -> None:
    deployed: list[str] = []
    del well.entries["xray"], well.entries["trojan"]
    found = command.run("local", lambda: deployed.append("once"))
    assert command.mend(found, lambda _: None) == ["deploys the server anew (`make up`)"]
    assert deployed == ["once"]


@pytest.mark.parametrize("error", [OperatorError("the engine gave no answer in 60 s."), KeyError("Subnet")])
def test_a_check_that_cannot_be_made_is_told_and_keeps_no_other_from_being_made(
    well: FakeEngine, monkeypatch: pytest.MonkeyPatch, error: Exception,
) -> None:
    def broken(_: object) -> Any:
        raise error
    monkeypatch.setitem(command.CHECKS, "disk", broken)
    well.entries["xray"] = entry("xray", "paused")
    names = [item["name"] for item in json.loads(ops("doctor", "--json").stdout)["findings"]]
    assert names == ["check-impossible", "container-paused"]


def every_name() -> set[str]:
    """Return each text in the code that is written as a name of a finding is, and is no name of a container."""
    texts = (node.value for file in FOLDER.glob("*.py") for node in ast.walk(ast.parse(file.read_text()))
             if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {text for text in texts if re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", text) and not text.startswith("stealth-")}


@pytest.mark.parametrize("name", sorted(every_name()))
def test_every_name_of_a_finding_is_documented(name: str) -> None:
    assert re.search(rf"^\| `{name}` \| .+ \|$", Path("docs/doctor.md").read_text(), re.M), name
