"""The script that makes a host ready carries the toolchain's own files, byte by byte, and is a clean one."""

import subprocess
from pathlib import Path

import pytest

from components.host import setup_script
from policy.allowlists import SCRIPTS
from policy.rules.commands import script_hash
from tests.settings import load

TOOLCHAIN = Path("toolchain")


@pytest.fixture(scope="module")
def script() -> str:
    return setup_script(load(httpPort=8080, httpsPort=8443))


def test_it_unpacks_just_the_toolchain_s_files_for_nobody_else_and_runs_them(script: str, tmp_path: Path) -> None:
    here = script.replace("/var/lib/stealth-vpn-host", str(tmp_path)).partition("# What it tells")[0]
    subprocess.run(["sh"], input=here, text=True, check=True)
    made = {file.name: file for file in (tmp_path / "toolchain").iterdir()}
    assert made.keys() == {"lib.sh", "apt.sh", "docker.sh", "engine.sh", "firewall.sh", "host.sh"}
    assert all(file.read_text() == (TOOLCHAIN / name).read_text() for name, file in made.items())
    assert {file.stat().st_mode & 0o077 for file in made.values()} == {0}
    assert '"$folder/toolchain/host.sh" 8080/tcp 8443/tcp 8443/udp >&2 </dev/null\n' in script


def test_shellcheck_finds_nothing_in_it(script: str) -> None:
    done = subprocess.run([".venv/bin/shellcheck", "--shell", "sh", "-"], input=script, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_policies_know_it_whichever_ports_it_opens(script: str) -> None:
    for one in (script, setup_script(load())):
        assert script_hash(one) in SCRIPTS, f"policy/allowlists.py needs {script_hash(one)}, once it was read"


def test_a_script_that_does_more_is_another_one(script: str) -> None:
    assert script_hash(script + "id\n") not in SCRIPTS
    assert script_hash(script.replace(" 8443/udp", " 8443/udp 22/sctp")) not in SCRIPTS
