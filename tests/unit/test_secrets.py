import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.configs.plan import Plan
from components.keys import XrayKeys
from components.secrets import EngineSecrets, Secrets
from tests.engine import PASSWORD, RandomEngine

PLAN = Plan.of("vpn.example.com", "172.20.0.0/16", "10.66.66.0/24")
NAMES = EngineSecrets.__annotations__ | Secrets.__annotations__
KEYS = XrayKeys.from_seed("seed")


def test_every_random_value_is_a_password_and_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    protected: list[bool | None] = []
    make = pulumi.ResourceOptions.__init__

    def remember(self: pulumi.ResourceOptions, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        if kwargs.get("protect") is not None:
            protected.append(kwargs["protect"])

    monkeypatch.setattr(pulumi.ResourceOptions, "__init__", remember)
    engine = RandomEngine()
    engine.deploy(lambda: Secrets("secrets", "vpn.example.com"))
    passwords = [item for item in engine.resources if item.kind == PASSWORD]
    assert {item.kind for item in engine.resources} == {PASSWORD, "stealth-vpn:random:Secrets"}
    assert len(passwords) == 7
    assert protected == [True] * 7
    assert all(item.inputs["length"] >= 24 and item.inputs["special"] is False for item in passwords)


def test_every_output_is_secret_and_differs_from_the_others() -> None:
    found: dict[str, bool] = {}

    async def look(made: Secrets) -> bool:
        for name in NAMES:
            found[name] = await getattr(made, name).is_secret()
        return True

    def program() -> pulumi.Output[bool]:
        return pulumi.Output.from_input(look(Secrets("secrets", "vpn.example.com", leads_fleet=True)))

    RandomEngine().deploy(program)
    assert found == dict.fromkeys(NAMES, True)


def test_no_other_random_resource_is_used_anywhere() -> None:
    sources = (Path(__file__).parents[2] / "components").rglob("*.py")
    used = {match for path in sources for match in re.findall(r"random\.(Random\w+)\(", path.read_text())}
    assert used == {"RandomPassword"}
