"""Operators and tests share one environment, so their pins must agree."""

import re

import pytest

from tests.integration.project import ROOT


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_a_sum(name: str) -> None:
    entries = re.split(r"\n(?=[\w.-]+==)", (ROOT / name).read_text())[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_tests_use_the_operators_versions() -> None:
    operators, tests = pins("requirements.txt"), pins("requirements-dev.txt")
    assert operators
    assert operators.items() <= tests.items()
