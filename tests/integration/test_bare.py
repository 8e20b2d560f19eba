"""`./install.sh` and `make setup` on a real bare machine: Debian 12 in a privileged container, without Python, Go,
Docker or systemd.

It takes about half an hour on 2 cores. Its engine is its own; this machine's engine only holds the container.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.project import ROOT

pytestmark = pytest.mark.bare

IMAGE = "baretrial-bookworm:local"
NAME = "baretrial-machine"
HOME = "/home/someone"
CHECKOUT = f"{HOME}/stealth-vpn"
KILL_AFTER_SECONDS = 30


def said(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


class Machine:
    """A bare machine with a fresh clone of this checkout, uncommitted work included."""

    def __init__(self, folder: Path) -> None:
        self.remove()
        if not said("docker", "images", "--quiet", IMAGE):
            said(str(ROOT / "tests" / "integration" / "bare_machine.sh"), IMAGE)
        carried = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
        # What this machine has fetched already is not fetched again.
        modules = Path(said("go", "env", "GOMODCACHE")) / "cache" / "download"
        modules.mkdir(parents=True, exist_ok=True)
        carried["GOPROXY"] = f"file:///go-proxy,{said('go', 'env', 'GOPROXY')}"
        said("docker", "run", "--detach", "--privileged", "--name", NAME, "--hostname", "bare",
             "--volume", f"{NAME}:/var/lib/docker", "--volume", f"{modules}:/go-proxy:ro",
             *(word for name, value in carried.items() for word in ("--env", f"{name}={value}")), IMAGE)
        bundle = folder / "checkout.bundle"
        said("git", "bundle", "create", str(bundle), "HEAD")
        said("docker", "cp", str(bundle), f"{NAME}:/tmp/checkout.bundle")
        assert self.run(f"git clone --quiet /tmp/checkout.bundle {CHECKOUT}", folder=HOME).returncode == 0
        work = folder / "work.tar"
        listed = said("git", "ls-files", "-co", "--exclude-standard", "-z").split("\0")
        there = "\0".join(name for name in listed if (ROOT / name).is_file())
        subprocess.run(["tar", "-cf", work, "--null", "--files-from=-"], cwd=ROOT, input=there, text=True, check=True)
        with work.open("rb") as content:
            subprocess.run(["docker", "exec", "-i", "-u", "someone", "-w", CHECKOUT, NAME, "tar", "-x"],
                           stdin=content, check=True)

    def run(self, command: str, folder: str = CHECKOUT) -> subprocess.CompletedProcess[str]:
        """Run a shell command as the user who may use sudo; standard error is in stdout."""
        return subprocess.run(
            ["docker", "exec", "-u", "someone", "-w", folder, NAME, "bash", "-c", f"exec 2>&1; {command}"],
            stdout=subprocess.PIPE, text=True, check=False, timeout=3000)

    @staticmethod
    def remove() -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", NAME], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", "--force", NAME], capture_output=True, check=True)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.remove()


# The bound for a cold machine of 2 cores, from an empty home to six healthy containers.
COLD_SECONDS, WARM_SECONDS = 1800, 60


INSTALL = "./install.sh --unattended --domain stealth.test --email admin@stealth.test"


def test_install_ends_with_six_healthy_services_on_a_machine_that_had_nothing(machine: Machine) -> None:
    lacking = machine.run("./install.sh --unattended")
    assert lacking.returncode == 1
    assert "nobody said domain (--domain or DOMAIN), email (--email or EMAIL)." in lacking.stdout

    began = time.monotonic()
    done = machine.run(INSTALL)
    took = time.monotonic() - began
    print(done.stdout, f"cold: {took:.0f} s")
    assert done.returncode == 0
    assert "6 containers healthy" in done.stdout
    assert "Panel:" in done.stdout
    assert "First user's link:" in done.stdout
    assert "All is well: 6 services are healthy." in done.stdout
    assert "UFW is on and lets in 22/tcp (SSH) 80/tcp 443/tcp 443/udp\n" in done.stdout
    rules = machine.run("sudo ufw status").stdout
    assert rules.startswith("Status: active\n")
    assert re.findall(r"^(\S+) +ALLOW ", rules, re.M) == ["22/tcp", "80/tcp", "443/tcp", "443/udp"]
    assert took < COLD_SECONDS

    began = time.monotonic()
    again = machine.run("make up")
    took = time.monotonic() - began
    print(again.stdout, f"warm: {took:.1f} s")
    assert again.returncode == 0
    assert "No changes; 6 containers healthy" in again.stdout
    assert took < WARM_SECONDS

    # By root's hand it would take files from the user whose they are.
    by_root = machine.run(f"sudo {INSTALL}")
    assert by_root.returncode == 1
    assert "Run it as someone, without sudo" in by_root.stdout
    configured = machine.run("cat Pulumi.local.yaml").stdout
    again = machine.run("./install.sh --unattended")
    print(again.stdout)
    assert again.returncode == 0
    assert "No changes; 6 containers healthy" in again.stdout
    assert machine.run("cat Pulumi.local.yaml").stdout == configured
    assert machine.run("sudo ufw status").stdout == rules

    healthy = machine.run("toolchain/run.sh docker ps --filter health=healthy --format '{{.Names}}'").stdout.split()
    assert len(healthy) == 6
    assert machine.run("stat -c %a .pulumi-passphrase .pulumi").stdout == "600\n700\n"


def test_one_command_sets_up_a_bare_machine_also_after_it_was_killed(machine: Machine) -> None:
    for tool in ("python3", "go", "docker", "curl", "systemctl"):
        assert machine.run(f"command -v {tool}").returncode != 0, f"{tool} is on the bare machine"

    killed = machine.run(f"setsid make setup ROAD=mirror & sleep {KILL_AFTER_SECONDS}; kill -9 -- -$!")
    print(killed.stdout)
    assert "Base image" not in killed.stdout, "it ended before it was killed"

    began = time.monotonic()
    done = machine.run("make setup ROAD=mirror")
    print(done.stdout, f"cold: {time.monotonic() - began:.0f} s")
    assert done.returncode == 0
    assert "Road: mirror-only, because it was asked for\n" in done.stdout
    assert "someone is now in the group docker" in done.stdout
    assert machine.run("dpkg --audit").stdout == ""

    began = time.monotonic()
    again = machine.run("make setup")
    took = time.monotonic() - began
    print(again.stdout, f"warm: {took:.2f} s")
    assert again.returncode == 0
    assert len(again.stdout.splitlines()) == 5, "a step was done again"

    # The rights of the group are there without a new login, and words arrive as they were given.
    listing = "docker images --format {{.Repository}}:{{.Tag}}"
    shown = machine.run(f"""toolchain/run.sh sh -c '{listing}; echo "$1"' sh "it's \\$HOME" """)
    assert shown.stdout == "stealth-vpn/os:trixie\nit's $HOME\n"
    made = machine.run("toolchain/run.sh docker run --rm stealth-vpn/os:trixie grep VERSION_ID /etc/os-release")
    assert made.stdout == 'VERSION_ID="13"\n'
    labels = machine.run("toolchain/run.sh docker image inspect --format '{{.Config.Labels}}' stealth-vpn/os:trixie")
    assert labels.stdout.startswith("map[stealth-vpn.day:20")
    assert "stealth-vpn.road:mirror-only]" in labels.stdout
    assert machine.run("toolchain/run.sh pulumi version").stdout == "v3.259.0\n"
    plugins = machine.run("toolchain/run.sh pulumi plugin ls --json").stdout
    assert [(found["name"], found["version"]) for found in json.loads(plugins)] == [
        ("docker", "5.2.0"), ("random", "4.21.4")]

    # 4 GB of Go's caches are gone again, and nothing of the operator's own was touched.
    assert machine.run("ls -d ~/go ~/.pulumi ~/.cache/go-build .toolchain/go").stdout.count("No such file") == 4
