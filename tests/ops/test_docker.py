import os
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ops.docker import Engine
from ops.errors import OperatorError


def fake_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Put a docker on PATH that writes down its arguments, and returns where."""
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "calls"


@pytest.mark.parametrize(("label", "removed"), [("local", True), ("another", False), ("", False)])
def test_only_what_carries_the_stack_s_label_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label: str, removed: bool,
) -> None:
    calls = fake_docker(tmp_path, monkeypatch, f'[ "$4" = inspect ] && echo "{label}"; exit 0')
    assert Engine("unix:///x.sock").remove_own("container", "stealth-xray", "local") is removed
    assert ("container rm --force stealth-xray" in calls.read_text()) is removed


def test_what_does_not_exist_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = fake_docker(tmp_path, monkeypatch, "exit 1")
    assert not Engine("unix:///x.sock").remove_own("network", "stealth-vpn", "local")
    assert " rm " not in calls.read_text()


def test_the_operator_s_own_docker_host_does_not_lead_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = fake_docker(tmp_path, monkeypatch, 'echo "26.1.5${DOCKER_HOST}${DOCKER_CONTEXT}"')
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere:1")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert Engine("unix:///x.sock").version() == "26.1.5"
    assert calls.read_text().startswith("--host unix:///x.sock ")


@pytest.mark.parametrize("said", [True, False])
def test_an_engine_tells_whether_it_is_experimental(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bool,
) -> None:
    fake_docker(tmp_path, monkeypatch, f"echo {str(said).lower()}")
    assert Engine("unix:///x.sock").is_experimental() is said


def test_an_engine_s_last_words_are_in_the_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_docker(tmp_path, monkeypatch, "echo 'much'; echo 'no route to host.' >&2; exit 1")
    with pytest.raises(OperatorError, match=r"Docker Engine at ssh://a@b does not answer: no route to host\. Look"):
        Engine("ssh://a@b").version()


def test_a_published_port_leads_to_its_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_docker(tmp_path, monkeypatch, """
        echo 'stealth-caddy 0.0.0.0:80->80/tcp, :::80->80/tcp, 0.0.0.0:8443->443/udp'
        echo 'quiet 9000/tcp'""")
    assert Engine("unix:///x.sock").publishers() == {"80/tcp": "stealth-caddy", "8443/udp": "stealth-caddy"}


@pytest.mark.parametrize(("code", "found"), [(0, ""), (1, "http 503: not measured yet")])
def test_a_container_s_own_check_is_run_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, found: str,
) -> None:
    calls = fake_docker(tmp_path, monkeypatch, f"""
        [ "$3" = inspect ] && echo '["CMD","/probe","http","http://x/"]' && exit 0
        echo "first line"; echo "http 503: not measured yet."; exit {code}""")
    assert Engine("unix:///x.sock").check("stealth-caddy") == found
    assert calls.read_text().splitlines()[-1] == "--host unix:///x.sock exec stealth-caddy /probe http http://x/"


@pytest.mark.parametrize(("answer", "found"), [
    ("echo null", "stealth-caddy has no health check"),
    ("echo; echo 'no such object.' >&2; exit 1", "stealth-caddy cannot be asked: no such object")])
def test_a_container_without_a_check_is_not_called_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, found: str,
) -> None:
    fake_docker(tmp_path, monkeypatch, answer)
    assert Engine("unix:///x.sock").check("stealth-caddy") == found


@pytest.mark.parametrize(("host", "most"), [("ssh://root@far", 4), ("unix:///x.sock", 8)])
def test_an_ssh_server_is_asked_by_few_at_once(monkeypatch: pytest.MonkeyPatch, host: str, most: int) -> None:
    asked, seen, full = 0, 0, threading.Condition()

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        nonlocal asked, seen
        with full:
            asked += 1
            seen = max(seen, asked)
            full.notify_all()
            full.wait_for(lambda: seen >= most, timeout=5)
            # One too many would come now.
            full.wait_for(lambda: seen > most, timeout=0.02)
            asked -= 1
        return subprocess.CompletedProcess(command, 0, "", "")
    monkeypatch.setattr(subprocess, "run", run)
    engine = Engine(host)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: engine.ask("info"), range(8)))
    assert seen == most
