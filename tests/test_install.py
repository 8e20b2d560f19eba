"""install.sh on machines that are made of fakes: what it refuses, what it does in which order, and what it asks.

The commands of the fakes' folder come before the machine's own; each writes down how it was called.
"""

import getpass
import os
import pty
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEBIAN = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
ROOMY = "MemTotal: 4000000 kB\nSwapTotal: 0 kB\n"
WRITES_ITSELF_DOWN = '#!/bin/sh\necho "${{0##*/}} $*" >>{calls}\n'
SSHD = 'echo "port 22"; echo "listenaddress [::]:2222"'
SS = """echo 'LISTEN 0 128 0.0.0.0:2022 0.0.0.0:* users:(("sshd",pid=1,fd=3))'
echo 'LISTEN 0 128 0.0.0.0:8080 0.0.0.0:* users:(("nginx",pid=2,fd=3))'"""
PORTS = 'case $* in *httpPort) echo 80 ;; *httpsPort) echo 443 ;; esac'
UFW = '[ "$1" = status ] && echo "Status: active"; true'


class Machine:
    """A machine with a copy of the scripts, on which everything that they call is a fake."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.fakes = folder / "fakes"
        self.calls = folder / "calls"
        self.calls.touch()
        self.fakes.mkdir()
        for name in ("install.sh", "toolchain/lib.sh", "toolchain/machine.sh", "toolchain/firewall.sh"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.folder / name)
        (self.folder / ".toolchain").mkdir()
        (self.folder / ".toolchain" / "road").touch()
        self.fake("setup.sh", self.folder / "toolchain")
        self.fake("ops", self.folder / "scripts")
        self.fake("python", self.folder / ".venv" / "bin", PORTS)
        for name, does in {"ufw": UFW, "sshd": SSHD, "ss": SS, "systemctl": "exit 3", "dpkg": "echo amd64",
                           "uname": '[ "$1" = -s ] && echo Linux || echo x86_64',
                           "id": '[ "$1" = -u ] && echo 0 || echo root'}.items():
            self.fake(name, self.fakes, does)
        self.environment = {"STEALTH_VPN_DOCKER_SOCKET": str(folder / "none.sock"),
                            "STEALTH_VPN_OS_RELEASE": self.file("os-release", DEBIAN),
                            "STEALTH_VPN_MEMINFO": self.file("meminfo", ROOMY)}

    def file(self, name: str, text: str) -> str:
        (self.fakes / name).write_text(text)
        return str(self.fakes / name)

    def fake(self, name: str, folder: Path, does: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(WRITES_ITSELF_DOWN.format(calls=self.calls) + does + "\n")
        (folder / name).chmod(0o755)

    def _environment(self) -> dict[str, str]:
        return self.environment | {"PATH": f"{self.fakes}:{os.environ['PATH']}", "HOME": str(self.fakes)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run install.sh without a terminal."""
        return subprocess.run([str(self.folder / "install.sh"), *words], env=self._environment(), cwd="/", text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)

    def answer(self, *words: str, typed: str) -> subprocess.CompletedProcess[str]:
        """Run install.sh in a terminal in which these lines are typed."""
        ours, theirs = pty.openpty()
        os.write(ours, typed.encode())
        try:
            return subprocess.run([str(self.folder / "install.sh"), *words], env=self._environment(), cwd="/",
                                  text=True, stdin=theirs, capture_output=True, check=False, timeout=60)
        finally:
            os.close(ours)
            os.close(theirs)

    def called(self, *programs: str) -> list[str]:
        """Return the calls of these programs, in their order."""
        return [line for line in self.calls.read_text().splitlines() if line.split()[0] in programs]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def refused(machine: Machine, *words: str) -> str:
    done = machine.run("--unattended", *words)
    assert done.returncode != 0, done.stdout
    assert machine.called("setup.sh", "python", "ops", "ufw") == [], "something was begun before the refusal"
    (line,) = done.stderr.splitlines()
    return line.removeprefix("Error: ")


def test_the_steps_come_in_order_and_each_once(machine: Machine) -> None:
    done = machine.run("--unattended", "--domain", "a.org", "--email=b@a.org", "--import", "old.env", "--stack", "mine")
    assert done.returncode == 0, done.stderr
    assert machine.called("setup.sh", "python", "ops", "ufw") == [
        "setup.sh python",
        "python -m ops config ask --unattended --domain=a.org --email=b@a.org --import=/old.env",
        "python -m ops config get httpsPort", "python -m ops config get httpPort",
        *(f"ufw allow {port}/tcp comment SSH" for port in (22, 2022, 2222)),
        *(f"ufw allow {port} comment stealth-vpn" for port in ("80/tcp", "443/tcp", "443/udp")),
        "ufw --force enable", "ufw status",
        "setup.sh ", "ops up", "ops status"]
    assert "STACK=mine make backup" in done.stdout
    assert "`ufw deny` does not close them" in done.stdout


def test_the_firewall_is_left_alone_when_that_is_said(machine: Machine) -> None:
    assert machine.run("--unattended", "--no-firewall").returncode == 0
    assert machine.called("ufw") == []


def test_the_port_of_the_operator_s_own_connection_stays_open(machine: Machine) -> None:
    machine.fake("sshd", machine.fakes, "exit 1")
    machine.fake("ss", machine.fakes)
    machine.environment["SSH_CONNECTION"] = "192.0.2.7 51000 192.0.2.1 2200"
    assert machine.run("--unattended").returncode == 0
    assert machine.called("ufw")[0] == "ufw allow 2200/tcp comment SSH"


def test_port_22_stays_open_where_nobody_tells_of_ssh(machine: Machine) -> None:
    machine.fake("sshd", machine.fakes, "exit 1")
    machine.fake("ss", machine.fakes)
    assert machine.run("--unattended").returncode == 0
    assert machine.called("ufw")[0] == "ufw allow 22/tcp comment SSH"


@pytest.mark.parametrize(("does", "sentence", "is_on"), [
    ('[ "$1" != allow ]', "UFW takes no rule for 22/tcp", False),
    ("echo Problem running ufw-init.", "UFW does not start: Problem running ufw-init.", True)])
def test_a_firewall_that_does_not_work_ends_it_before_anything_is_built(
    machine: Machine, does: str, sentence: str, is_on: bool,
) -> None:
    machine.fake("ufw", machine.fakes, does)
    done = machine.run("--unattended")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "--no-firewall" in done.stderr
    assert ("ufw --force enable" in machine.called("ufw")) == is_on, "SSH must be open before"
    assert machine.called("ops") == []


def test_a_machine_with_firewalld_gets_no_second_firewall(machine: Machine) -> None:
    machine.fake("systemctl", machine.fakes, "exit 0")
    done = machine.run("--unattended")
    assert "firewalld runs here" in done.stderr
    assert machine.called("ufw", "ops") == []


@pytest.mark.parametrize(("release", "sentence"), [
    ('ID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41"\n', "this is Fedora Linux 41, but install.sh needs"),
    ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11"\n', "this is Debian GNU/Linux 11, but"),
    ('ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n', "this is Ubuntu 22.04.5 LTS, but"),
    ('ID=debian\nPRETTY_NAME="Debian GNU/Linux forky/sid"\n', "this is Debian GNU/Linux forky/sid, which has no"),
    ("", "this is an unknown system, but")])
def test_another_system_is_refused(machine: Machine, release: str, sentence: str) -> None:
    machine.file("os-release", release)
    assert refused(machine).startswith(sentence)


@pytest.mark.parametrize("release", [
    'ID=debian\nVERSION_ID="13"\n', 'ID=ubuntu\nVERSION_ID="24.04"\n', 'ID=ubuntu\nVERSION_ID="26.04"\n'])
def test_newer_systems_are_taken(machine: Machine, release: str) -> None:
    machine.file("os-release", release)
    assert machine.run("--unattended").returncode == 0


@pytest.mark.parametrize(("program", "does", "sentence"), [
    ("uname", '[ "$1" = -s ] && echo Darwin', "this is Darwin, but install.sh needs Debian 12"),
    ("uname", '[ "$1" = -s ] && echo Linux || echo armv7l', "this is a machine of armv7l, but images are"),
    ("dpkg", "echo i386", "the packages of this system are for i386, though its kernel is of x86_64"),
    ("df", 'printf "Filesystem 1k used free\\n/dev/vda 9 9 3145728 1%% /\\n"', "free, but the first build needs 10")])
def test_a_machine_that_cannot_is_refused(machine: Machine, program: str, does: str, sentence: str) -> None:
    (machine.folder / ".toolchain" / "road").unlink()
    machine.fake("df", machine.fakes, 'printf "Filesystem 1k used free\\n/dev/vda 9 9 99999999 1%% /\\n"')
    machine.fake(program, machine.fakes, does)
    assert sentence in refused(machine)


def test_too_little_memory_is_refused_and_swap_counts(machine: Machine) -> None:
    machine.file("meminfo", "MemTotal: 1000000 kB\nSwapTotal: 0 kB\n")
    assert refused(machine).startswith("this machine has 976 MiB of memory and swap, but the builds need 1800. Add")
    machine.file("meminfo", "MemTotal: 1000000 kB\nSwapTotal: 2000000 kB\n")
    assert machine.run("--unattended").returncode == 0


def test_root_in_the_checkout_of_the_user_who_called_sudo_is_refused(machine: Machine) -> None:
    machine.environment["SUDO_USER"] = "someone"
    machine.fake("stat", machine.fakes, "echo someone")
    assert "Run it as someone, without sudo" in refused(machine)


@pytest.mark.parametrize(("words", "sentence"), [
    (["--domian", "a"], "--domian is no option"), (["--domain"], "--domain needs a value"),
    (["--stack", "../x"], "the stack's name is ../x")])
def test_a_wrong_option_is_refused(machine: Machine, words: list[str], sentence: str) -> None:
    assert refused(machine, *words).startswith(sentence)


def test_without_a_terminal_and_without_a_word_it_asks_nothing_and_ends(machine: Machine) -> None:
    done = machine.run()
    assert done.returncode == 2
    assert "there is no terminal to ask in. Say --unattended" in done.stderr
    assert machine.calls.read_text() == ""


def test_who_says_no_to_the_firewall_gets_none(machine: Machine) -> None:
    done = machine.answer(typed="n\n")
    assert done.returncode == 0, done.stderr
    assert "Turn on the firewall UFW, with SSH and the ports of the server open? [Y/n]" in done.stdout
    assert machine.called("ufw") == []
    assert machine.called("ops") == ["ops up", "ops status"]


def test_a_user_of_sudo_is_asked_before_joining_the_group_docker(machine: Machine) -> None:
    user = getpass.getuser()
    machine.fake("id", machine.fakes, f'case $1 in -u) echo 1000 ;; *) echo {user} ;; esac')
    machine.fake("sudo", machine.fakes)
    done = machine.answer(typed="n\n")
    assert done.returncode == 2
    assert f"{user} joins the group docker, which is as good as root" in done.stdout
    assert machine.called("setup.sh", "ops", "ufw") == ["setup.sh python"]


def test_a_deploy_that_fails_ends_it(machine: Machine) -> None:
    machine.fake("ops", machine.folder / "scripts", "exit 1")
    done = machine.run("--unattended")
    assert done.returncode == 1
    assert machine.called("ops") == ["ops up"]
    assert "What comes next" not in done.stdout


def test_help_tells_every_option(machine: Machine) -> None:
    done = machine.run("--help")
    assert done.returncode == 0
    parsed = (ROOT / "install.sh").read_text().partition("export STACK")[0].partition("left=$#")[2]
    options = set(re.findall(r"--[a-z-]+", parsed)) - {"--help"}
    assert "--unattended" in options
    assert options == set(re.findall(r"^ +(--[a-z-]+) ", done.stdout, re.M))
