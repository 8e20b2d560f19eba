"""What the tests ask for again, since the fault is not the server's, and what they do not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.containers import call, call_text
from tests.e2e.deployment import docker
from tests.e2e.visitor import Visitor

NOT_STARTED = (
    "OCI runtime exec failed: exec failed: unable to start container process: waiting for init preliminary setup: "
    "read init-p: connection reset by peer: unknown")
Engine = Callable[[str], Path]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Puts a `docker` of these shell lines in place of the real one; returns the file that has a line for each call."""
    def make(script: str) -> Path:
        calls, program = tmp_path / "calls", tmp_path / "docker"
        calls.touch()
        program.write_text(f"#!/bin/sh\necho \"$*\" >>{calls}\ncalls=$(wc -l <{calls})\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        return calls
    return make


@pytest.mark.parametrize("stream", ["1", "2"])
def test_a_command_that_the_engine_did_not_start_is_given_again_with_all_that_it_reads(
    engine: Engine, stream: str,
) -> None:
    calls = engine(f"[ $calls -gt 2 ] && exec cat; echo '{NOT_STARTED}' >&{stream}; exit 126")
    done = call_text("exec", "--interactive", "one", "cat", stdin="read me")
    assert (done.returncode, done.stdout, done.stderr) == (0, "read me", "")
    assert calls.read_text().splitlines() == ["exec --interactive one cat"] * 3


def test_an_engine_that_never_starts_the_command_fails_the_test_with_its_own_words(engine: Engine) -> None:
    calls = engine(f"echo '{NOT_STARTED}'; exit 126")
    with pytest.raises(AssertionError, match="read init-p: connection reset by peer"):
        docker("exec", "one", "true")
    assert len(calls.read_text().splitlines()) == 3


@pytest.mark.parametrize("script", [
    f"echo did something; echo '{NOT_STARTED}'; exit 126",
    "echo 'OCI runtime exec failed: exec failed: unable to start container process: exec: \"/bin/nothing\": unknown'; "
    "exit 126",
    f"echo '{NOT_STARTED}'",
    "exit 1",
], ids=["another line", "another reason", "no failure", "a failure without words"])
def test_a_command_that_may_have_started_is_not_given_again(engine: Engine, script: str) -> None:
    calls = engine(script)
    call("exec", "one", "true")
    assert len(calls.read_text().splitlines()) == 1


def test_curl_asks_again_when_its_quic_failed(engine: Engine) -> None:
    calls = engine("[ $calls -gt 2 ] && exec echo a page; echo 'curl: (95) send 1 bytes to QUIC' >&2; exit 95")
    done = Visitor("one").curl("www.stealth.test", "--http3-only", "https://www.stealth.test/")
    assert (done.returncode, done.stdout) == (0, b"a page\n")
    assert len(calls.read_text().splitlines()) == 3


@pytest.mark.parametrize(("code", "asked"), [(95, 3), (7, 1), (28, 1)])
def test_curl_tells_of_a_server_that_always_fails(engine: Engine, code: int, asked: int) -> None:
    calls = engine(f"exit {code}")
    assert Visitor("one").curl("www.stealth.test", "https://www.stealth.test/").returncode == code
    assert len(calls.read_text().splitlines()) == asked
