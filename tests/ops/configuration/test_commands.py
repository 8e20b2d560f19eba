"""`ops config`: what is told, asked and proposed becomes a stack's file, or nothing is written."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import yaml
from click.testing import CliRunner, Result

from ops import preflight
from ops.cli import main
from ops.configuration import commands, variables
from ops.target import ROOT

SHIPPED = (ROOT / "Pulumi.prod.yaml").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own, on a machine with one public address, where nobody holds a port."""
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.mine.yaml").write_text(SHIPPED)
    monkeypatch.setattr(commands, "ROOT", tmp_path)
    monkeypatch.setattr(commands, "TUN", tmp_path)
    monkeypatch.setattr(preflight, "port_faults", lambda *_: iter(()))
    shown = {"eth0": [SimpleNamespace(address=text) for text in ("203.0.113.9", "8.8.4.4", "52:54:00:12:34:56")]}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: shown)
    for name in (*variables.KEYS, "STACK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["--stack", "mine", "config", *words], input=typed)


def values(folder: Path) -> dict[str, Any]:
    config = yaml.safe_load((folder / "Pulumi.mine.yaml").read_text())["config"]
    return {key.removeprefix("stealth-vpn:"): value for key, value in config.items()}


def refused(done: Result, folder: Path) -> str:
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit)
    assert (folder / "Pulumi.mine.yaml").read_text() == SHIPPED
    return done.output


@pytest.fixture
def settled(folder: Path) -> Iterator[Path]:
    (folder / "Pulumi.mine.yaml").write_text("encryptionsalt: v1:abc\nconfig: {stealth-vpn:domain: stealth.test, "
                                             "stealth-vpn:email: admin@stealth.test}\n")
    yield folder
    assert "encryptionsalt: v1:abc" in (folder / "Pulumi.mine.yaml").read_text()


def test_answers_make_the_file_of_a_server_on_this_machine(folder: Path) -> None:
    done = run("ask", typed="not a domain\nexample.org\n\nroot_of_all\nminimal\n")
    assert done.exit_code == 0, done.output
    assert "domain is not a domain, but it must be a host name" in done.output
    assert "Mail address for the certificate authority [admin@example.org]" in done.output
    assert values(folder) == {
        "domain": "example.org", "email": "admin@example.org", "adminUsername": "root_of_all", "tls": "acme",
        "mode": "minimal", "dockerHost": "unix:///var/run/docker.sock", "egressRefuse": ["8.8.4.4"],
        "resourceProfile": "standard"}
    assert "must lead to this machine when the server starts: www.example.org.\n" in done.output


def test_a_trial_gets_certificates_of_its_own_and_no_names_to_point(folder: Path) -> None:
    (folder / "Pulumi.mine.yaml").unlink()
    done = run("ask", "--unattended", "--domain", "vpn.test", "--email", "a@vpn.test")
    assert done.exit_code == 0, done.output
    assert values(folder) == {"domain": "vpn.test", "email": "a@vpn.test", "egressRefuse": ["8.8.4.4"]}, \
        "what is the default is not written"
    assert "must lead" not in done.output


def test_what_nobody_said_is_named_where_nobody_can_be_asked(folder: Path) -> None:
    output = refused(run("ask", "--unattended"), folder)
    assert "nobody said domain (--domain or DOMAIN), email (--email or EMAIL)." in output


def test_flags_win_over_the_environment_and_that_over_the_file_of_variables(
    folder: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / ".env").write_text("DOMAIN=a.org\nEMAIL=a@a.org\nADMIN_USERNAME=a\nTROJAN_PORT=9001\nSESSION_SECRET=x\n")
    monkeypatch.setenv("EMAIL", "b@b.org")
    monkeypatch.setenv("ADMIN_USERNAME", "b")
    done = run("ask", "--unattended", "--admin-username", "c")
    assert done.exit_code == 0, done.output
    found = values(folder)
    assert (found["domain"], found["email"], found["adminUsername"], found["trojanPort"]) == (
        "a.org", "b@b.org", "c", 9001)
    assert "SESSION_SECRET is not taken over: sessions are random tokens" in done.output
    assert "  email: b@b.org (EMAIL in the environment)\n" in done.output


def test_a_settled_stack_is_kept_and_asked_nothing(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (settled / ".env").write_text("DOMAIN=other.org\n")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    done = run("ask", typed="")
    assert done.exit_code == 0, done.output
    assert values(settled)["domain"] == "stealth.test"
    assert "timeZone" not in values(settled)
    before = (settled / "Pulumi.mine.yaml").read_text()
    again = run("ask", "--unattended")
    assert "Pulumi.mine.yaml is as it shall be" in again.output
    assert (settled / "Pulumi.mine.yaml").read_text() == before


def test_a_flag_changes_a_settled_stack(settled: Path) -> None:
    done = run("ask", "--email", "new@stealth.test")
    assert done.exit_code == 0, done.output
    assert (values(settled)["domain"], values(settled)["email"]) == ("stealth.test", "new@stealth.test")


@pytest.mark.parametrize(("words", "sentence"), [
    (["--domain", "a"], "domain is a, but it must be a host name such as example.com. It comes from --domain"),
    (["--tls", "magic"], "tls is magic, but it must be one of internal, acme, files. It comes from --tls"),
    (["--import", "/nowhere/.env"], "/nowhere/.env cannot be read")])
def test_a_bad_flag_changes_nothing(folder: Path, words: list[str], sentence: str) -> None:
    assert sentence in refused(run("ask", "--unattended", "--domain", "a.org", "--email", "a@a.org", *words), folder)


def test_a_stack_that_goes_elsewhere_is_refused(folder: Path) -> None:
    text = SHIPPED.replace("deploy@vpn.example.com", "deploy@far.example.org")
    (folder / "Pulumi.mine.yaml").write_text(text)
    done = run("ask", "--unattended", "--domain", "a.org", "--email", "a@a.org")
    assert "deploys to ssh://deploy@far.example.org, and not to this machine" in done.output
    assert (folder / "Pulumi.mine.yaml").read_text() == text


def test_a_machine_without_tun_or_with_a_taken_port_is_refused_before_anything_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ("ask", "--unattended", "--domain", "a.org", "--email", "a@a.org")
    monkeypatch.setattr(commands, "TUN", folder / "none")
    assert "WireGuard needs it. Run `sudo modprobe tun`" in refused(run(*words), folder)
    monkeypatch.undo()
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = SimpleNamespace(http_port=server.getsockname()[1], https_port=1)
        faults = list(preflight.port_faults(target, None))  # type: ignore[arg-type] # of a target only these are asked
    assert len(faults) == 1
    assert "is taken by" in faults[0]


def test_a_taken_port_ends_the_questions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "port_faults", lambda *_: iter(["port 443/tcp is taken by nginx (process 7)."]))
    monkeypatch.setattr(commands, "Path", lambda _: folder / "none")
    done = run("ask", "--unattended", "--domain", "a.org", "--email", "a@a.org")
    assert "Error: port 443/tcp is taken by nginx" in refused(done, folder)


@pytest.mark.parametrize("program", [None, "/usr/bin/docker"])
def test_an_engine_that_cannot_be_asked_yet_is_left_to_the_deploy(
    folder: Path, monkeypatch: pytest.MonkeyPatch, program: str | None,
) -> None:
    (folder / "engine.sock").touch()
    here = SHIPPED.replace("ssh://deploy@vpn.example.com", f"unix://{folder}/engine.sock")
    (folder / "Pulumi.mine.yaml").write_text(here)
    monkeypatch.setattr(shutil, "which", lambda _: program)
    monkeypatch.setattr(preflight, "port_faults", lambda *_: iter(["port 443/tcp is taken."]))
    done = run("ask", "--unattended", "--domain", "a.org", "--email", "a@a.org")
    assert done.exit_code == (0 if program is None else 1), done.output


def test_an_import_is_all_or_nothing_and_may_be_tried_first(folder: Path) -> None:
    file = folder / "old.env"
    file.write_text("DOMAIN=a.org\nSESSION_TIMEOUT=5\n")
    output = refused(run("import", str(file)), folder)
    assert f"at least 60. It comes from SESSION_TIMEOUT in line 2 of {file}; change it. Nothing was written." in output
    file.write_text("DOMAIN=a.org\nLOG_MAX_SIZE=20M\nDNS_SERVERS=9.9.9.9, 1.0.0.1\n")
    tried = run("import", "--dry-run", str(file))
    assert "  domain: a.org (DOMAIN in line 1 of" in tried.output
    assert (folder / "Pulumi.mine.yaml").read_text() == SHIPPED
    assert run("import", str(file)).exit_code == 0
    found = values(folder)
    assert (found["domain"], found["logMaxSize"], found["dnsServers"]) == ("a.org", "20m", ["9.9.9.9", "1.0.0.1"])
    assert found["resourceProfile"] == "standard", "what is not imported stays"


def test_a_value_is_shown_but_no_secret(folder: Path) -> None:
    (folder / "Pulumi.mine.yaml").write_text("config:\n  stealth-vpn:databaseUrl: {secure: v1:abc}\n")
    assert [run("get", key).output for key in ("httpsPort", "dnsServers", "databaseUrl")] == [
        "443\n", "1.1.1.1,8.8.8.8\n", "(encrypted)\n"]
    assert run("get", "nothing").exit_code == 1
