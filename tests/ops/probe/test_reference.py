"""The plain Caddy's container does not outlive a probe for long, however that ended."""

import subprocess

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.probe import reference


def test_what_a_killed_probe_left_goes_before_the_next_one_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def ask(_: Engine, *words: str) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 1 if words[:2] == ("network", "create") else 0, "", "refused")
    monkeypatch.setattr(Engine, "ask", ask)
    site = reference.Site(domain="stealth.test", https_port=443)
    with pytest.raises(OperatorError), reference.reference(Engine("unix:///x.sock"), "local", site):
        pass
    assert asked[:2] == [("rm", "--force", "stealth-probe"), ("network", "rm", "stealth-probe")]
