"""All roads to an engine by ssh have the same options: the provider's, those of our own commands, and Docker's."""

import os
from pathlib import Path

import pytest

from components import ssh
from components.engine import cpu_count
from ops.docker import Engine

ADDRESS = "ssh://deploy@vpn.example.com"
OPTIONS = [word for option in ssh.OPTIONS for word in ("-o", option)]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an ssh that never gets anywhere writes its words, each on a line."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/calls\necho 3\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path / "calls"


def test_nobody_is_asked_no_unknown_host_is_talked_to_and_one_connection_serves_all() -> None:
    said = dict(option.split("=") for option in ssh.OPTIONS)
    assert (said["BatchMode"], said["StrictHostKeyChecking"]) == ("yes", "yes")
    assert (said["ControlMaster"], said["ControlPersist"]) == ("auto", "60s")
    assert int(said["ConnectTimeout"]) <= 10
    assert int(said["ServerAliveInterval"]) * int(said["ServerAliveCountMax"]) <= 30
    assert not any(" " in option for option in ssh.OPTIONS), "Docker's ssh gets them as the words of one text"


def test_the_folder_of_the_connection_s_socket_is_private() -> None:
    folder = Path(dict(option.split("=") for option in ssh.OPTIONS)["ControlPath"]).parent.expanduser()
    ssh.words()
    assert folder.stat().st_mode & 0o77 == 0


def test_the_provider_and_our_own_commands_have_the_options(calls: Path) -> None:
    assert ssh.of_provider(ADDRESS) == OPTIONS
    assert cpu_count(ADDRESS) == 3
    assert calls.read_text().splitlines()[:len(OPTIONS) + 3] == ["-T", *OPTIONS, "--", ADDRESS]
    Engine(ADDRESS).on_host("true")
    assert calls.read_text().splitlines()[:len(OPTIONS) + 3] == ["-T", *OPTIONS, "--", ADDRESS]


def test_docker_s_own_ssh_has_them_before_its_own(calls: Path) -> None:
    Engine(ADDRESS).ask("version")
    words = calls.read_text().splitlines()
    assert words[:len(OPTIONS)] == OPTIONS
    assert words[-3:] == ["docker", "system", "dial-stdio"]


def test_an_engine_of_this_machine_has_none() -> None:
    assert ssh.of_provider("unix:///var/run/docker.sock") is None
