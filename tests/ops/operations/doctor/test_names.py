"""What is found of the domain's names and of resolvers."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ops.docker import Engine
from ops.operations.doctor import names
from ops.operations.doctor.findings import Case
from ops.target import Target
from tests.ops.operations.fakes import FakeEngine

Where = Callable[[str], set[str]]


def case(target: Target) -> Case:
    return Case(Engine("unix:///x.sock"), target, lambda: None)


@pytest.mark.parametrize(("where", "name", "fault"), [
    (lambda name: set() if name.startswith("q.") else {"8.8.8.8"}, "name-missing", "q.vpn.org leads nowhere"),
    (lambda name: {"10.0.0.1"} if name.startswith("q.") else {"8.8.8.8"}, "name-private",
     "q.vpn.org leads to 10.0.0.1, which nobody"),
    (lambda name: {"9.9.9.9"} if name.startswith("q.") else {"8.8.8.8"}, "name-elsewhere",
     "q.vpn.org leads to 9.9.9.9, but most names to 8.8.8.8")])
def test_a_name_that_does_not_lead_to_the_server_is_found(where: Where, name: str, fault: str) -> None:
    (finding,) = names.check(case(replace(Target.read("local"), domain="vpn.org")), where)
    assert finding.name == name
    assert finding.fault.startswith(fault)
    assert finding.fix == "getent ahosts q.vpn.org"


def test_a_domain_that_only_clients_know_is_not_asked_for() -> None:
    def asked(_: str) -> set[str]:
        raise AssertionError
    assert [*names.check(case(Target.read("local")), asked)] == []


def test_a_resolver_that_does_not_answer_is_found(well: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def execute(_: Engine, __: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        told.append(stdin)
        return subprocess.CompletedProcess(command, 0, json.dumps({"1.1.1.1": "", "8.8.8.8": "does not answer"}), "")
    monkeypatch.setattr(Engine, "execute", execute)
    (finding,) = names.resolvers(case(Target.read("local")))
    assert finding.fault.startswith("The resolver 8.8.8.8 of dnsServers does not answer")
    assert json.loads(told[0]) == {"resolvers": ["1.1.1.1", "8.8.8.8"]}


def test_an_authority_whose_name_containers_do_not_find_is_found(
    well: FakeEngine, monkeypatch: pytest.MonkeyPatch,
) -> None:
    def execute(_: Engine, __: str, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 0 if stdin.startswith("{") else 1, "{}", "")
    monkeypatch.setattr(Engine, "execute", execute)
    made: Any = case(Target.read("local"))
    made.settings = made.settings | {"tls": "acme"}
    (finding,) = names.resolvers(made)
    assert finding.fault.startswith("Containers do not find the address of acme-v02.api.letsencrypt.org")
