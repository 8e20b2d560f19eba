"""A script's own sentence, or ssh's, is all that somebody hears of a host that is not made ready."""

import io
import subprocess
import sys
from subprocess import CompletedProcess

import pytest

from ops import onhost
from ops.docker import Engine
from ops.errors import OperatorError

HOST = "ssh://deploy@there"


@pytest.fixture
def sign_ins(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What ssh was told beside the script."""
    told = list[list[str]]()
    monkeypatch.setattr(subprocess, "run", lambda words, **_: told.append(words))
    return told


def answer(monkeypatch: pytest.MonkeyPatch, code: int, stdout: str = "", stderr: str = "") -> list[str]:
    scripts = list[str]()

    def on_host(_self: Engine, script: str, *, seconds: int) -> CompletedProcess[str]:
        scripts.append(script)
        return CompletedProcess((), code, stdout, stderr)

    monkeypatch.setattr(Engine, "on_host", on_host)
    return scripts


def test_a_script_s_answer_is_printed_and_the_next_ssh_signs_in_anew(
    monkeypatch: pytest.MonkeyPatch, sign_ins: list[list[str]], capsys: pytest.CaptureFixture[str],
) -> None:
    scripts = answer(monkeypatch, 0, "engine 26.1.5\n", "Docker Engine 26.1.5\n")
    monkeypatch.setattr(sys, "argv", ["onhost", HOST])
    monkeypatch.setattr(sys, "stdin", io.StringIO("true\n"))
    onhost.main()
    assert scripts == ["true\n"]
    assert capsys.readouterr() == ("engine 26.1.5\n", "")
    assert sign_ins[0][-4:] == ["-O", "stop", "--", HOST], "a group that was just joined counts from then on"


@pytest.mark.parametrize(("code", "stderr", "sentence"), [
    (1, "Installing ...\nE: no such package\nError: Docker could not be installed. Run `make up` again.\n",
     f"{HOST}: Docker could not be installed. Run `make up` again."),
    (127, "sh: 1: nonsense: not found\n", f"{HOST}: sh: 1: nonsense: not found."),
    (255, "deploy@there: Permission denied (publickey).\n",
     f"the machine of {HOST} cannot be reached: deploy@there: Permission denied (publickey). "
     f"Try `ssh {HOST}`, mend that, and run the same command again.")])
def test_a_fault_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, sign_ins: list[list[str]], code: int, stderr: str, sentence: str,
) -> None:
    answer(monkeypatch, code, stderr=stderr)
    with pytest.raises(OperatorError) as refused:
        onhost.run(HOST, "true")
    assert str(refused.value) == sentence
    assert sign_ins == []
