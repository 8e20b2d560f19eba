"""The setup on machines that lack, refuse or break things; commands of the machine are faked, the scripts are real."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.checkout import Checkout, refused
from tests.integration.project import ROOT

pytestmark = pytest.mark.integration

DOCKER = """
    #!/bin/sh
    [ -z "$DOCKER_HOST$DOCKER_CONTEXT" ] || { echo "asked another engine" >&2; exit 1; }
    case $* in
    *" pull --quiet "*) exit "${FAKE_PULL:-1}" ;;
    *"tag debian:trixie-slim stealth-vpn/os:trixie"*) touch "$0.tagged" ;;
    *"image inspect"*) [ -e "$0.tagged" ] && echo 2026-01-02 ;;
    "--host unix:///"*" version"*) echo "$FAKE_VERSION" ;;
    "buildx version") exit "${FAKE_BUILDX:-0}" ;;
    esac
"""


@pytest.fixture
def listening(checkout: Checkout) -> Iterator[Checkout]:
    """A checkout on a machine whose engine has a socket; the fake docker answers for it."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(checkout.socket))
        checkout.fake("docker", DOCKER)
        yield checkout


# --- Docker Engine ---

def test_an_engine_that_runs_is_used_whatever_the_environment_says(listening: Checkout) -> None:
    done = listening.run("engine.sh", FAKE_VERSION="26.1.5+dfsg1", DOCKER_HOST="tcp://192.0.2.1:2375",
                         DOCKER_CONTEXT="elsewhere", DOCKER_TLS_VERIFY="1")
    assert (done.returncode, done.stdout) == (0, "Docker Engine 26.1.5+dfsg1\n")


def test_an_old_engine_is_refused_with_the_fix(listening: Checkout) -> None:
    sentence = refused(listening.run("engine.sh", FAKE_VERSION="20.10.24+dfsg1"))
    assert sentence.startswith("Docker Engine is 20.10.24+dfsg1, but health checks need 25 or newer. Upgrade it")


def test_an_engine_without_buildx_is_refused(listening: Checkout) -> None:
    sentence = refused(listening.run("engine.sh", FAKE_VERSION="26.1.5", FAKE_BUILDX="1"))
    assert sentence.startswith("Docker has no buildx, but images are built with it. Install docker-buildx")


def test_an_engine_that_does_not_start_is_told_with_its_log(checkout: Checkout) -> None:
    checkout.fake("docker", DOCKER)
    checkout.fake("dockerd", "#!/bin/sh\nexit 1\n")
    checkout.fake("systemctl", "#!/bin/sh\nexit 0\n")
    sentence = refused(checkout.run("engine.sh", STEALTH_VPN_START_SECONDS="1"))
    assert sentence.startswith(f"Docker Engine does not start. Look at `journalctl -u docker` or {checkout.fakes}")


def test_of_an_engine_that_crashes_the_reason_is_told_and_not_only_where(checkout: Checkout) -> None:
    checkout.fake("docker", DOCKER)
    trace = "'panic: page 7 already freed' '' 'main.main()' '\tdocker.go:106'"
    checkout.fake("dockerd", f"#!/bin/sh\nprintf '%s\\n' {trace}\nexit 2\n")
    checkout.fake("systemctl", "#!/bin/sh\nexit 0\n")
    assert "\npanic: page 7 already freed\n" in checkout.run("engine.sh", STEALTH_VPN_START_SECONDS="1").stdout


def test_a_stopped_engine_is_started(listening: Checkout) -> None:
    """The socket of a stopped engine stays; the fake engine answers only after its start."""
    running = listening.fakes / "running"
    listening.fake("docker", DOCKER.replace('echo "$FAKE_VERSION"', f'[ -e {running} ] && echo 26.1.5'))
    for name in ("dockerd", "systemctl"):
        listening.fake(name, f"#!/bin/sh\ntouch {running}\n")
    done = listening.run("engine.sh")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("Docker Engine 26.1.5\n")


@pytest.fixture
def engine(checkout: Checkout) -> Iterator[Checkout]:
    """A machine whose engine does not run yet; its fake notes each start, and with which configuration."""
    pid, config = checkout.fakes / "pid", checkout.fakes / "etc" / "daemon.json"
    checkout.environment |= {"STEALTH_VPN_DOCKER_PID_FILE": str(pid), "STEALTH_VPN_DOCKER_CONFIG": str(config)}
    checkout.fake("dockerd", f"""
        #!/bin/sh
        echo "$(cat {config} 2>/dev/null)" >>{checkout.fakes}/starts
        case $(cat {config} 2>/dev/null) in *ip6tables*) [ -z "$FAKE_NO_IP6TABLES" ] || exit 1 ;; esac
        echo $$ >{pid}
        while :; do sleep 0.05; done
    """)
    start = f"setsid {checkout.fakes}/dockerd --host unix://{checkout.socket} >/dev/null 2>&1 &"
    checkout.fake("systemctl", f'#!/bin/sh\n[ "$1" != restart ] || kill $(cat {pid})\n{start}\n')
    checkout.fake("docker", f"""
        #!/bin/sh
        case $* in
        *" version"*) kill -0 "$(cat {pid} 2>/dev/null)" 2>/dev/null && echo "$FAKE_VERSION" ;;
        *" ps --quiet") echo "$FAKE_CONTAINERS" ;;
        esac
    """)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(checkout.socket))
        yield checkout
    if pid.exists():
        os.kill(int(pid.read_text()), signal.SIGKILL)


IPV6_READY = '{"experimental": true, "ip6tables": true}'


def test_an_engine_before_27_that_we_started_is_made_ready_for_ipv6_once(engine: Checkout) -> None:
    for _ in range(2):
        done = engine.run("engine.sh", FAKE_VERSION="26.1.5")
        assert done.returncode == 0, done.stdout
    assert (engine.fakes / "starts").read_text().splitlines() == ["", IPV6_READY]
    assert (engine.fakes / "etc" / "daemon.json").read_text() == f"{IPV6_READY}\n"


@pytest.mark.parametrize(("more", "config"), [
    ({"FAKE_VERSION": "27.5.1"}, None), ({"FAKE_VERSION": "26.1.5", "FAKE_CONTAINERS": "0123456789ab"}, None),
    ({"FAKE_VERSION": "26.1.5"}, "{}")], ids=["new", "busy", "configured"])
def test_an_engine_that_needs_it_not_or_has_work_or_a_configuration_is_left_alone(
    engine: Checkout, more: dict[str, str], config: str | None,
) -> None:
    file = engine.fakes / "etc" / "daemon.json"
    if config is not None:
        file.parent.mkdir()
        file.write_text(config)
    done = engine.run("engine.sh", **more)
    assert done.returncode == 0, done.stdout
    assert (engine.fakes / "starts").read_text().splitlines() == [config or ""]
    assert (file.read_text() if file.exists() else None) == config


def test_an_engine_that_somebody_else_started_is_left_alone(engine: Checkout) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (engine.fakes / "pid").write_text(str(other.pid))
        done = engine.run("engine.sh", FAKE_VERSION="26.1.5")
        assert (done.returncode, done.stdout) == (0, "Docker Engine 26.1.5\n")
        assert other.poll() is None
        other.kill()
    (engine.fakes / "pid").unlink()
    assert not (engine.fakes / "etc").exists()


def test_where_the_kernel_cannot_do_it_the_engine_starts_without_ipv6(engine: Checkout) -> None:
    done = engine.run("engine.sh", FAKE_VERSION="26.1.5", FAKE_NO_IP6TABLES="1", STEALTH_VPN_START_SECONDS="3")
    assert done.returncode == 0, done.stdout
    assert (engine.fakes / "starts").read_text().splitlines() == ["", IPV6_READY, ""]
    assert not (engine.fakes / "etc" / "daemon.json").exists()


def test_without_an_engine_and_without_apt_the_operator_is_told_what_to_install(checkout: Checkout) -> None:
    sentence = refused(checkout.run("engine.sh"))
    assert sentence.startswith("Docker Engine 25 or newer is missing, and without apt it cannot be installed.")


# --- The base image ---

def test_the_base_image_is_pulled_on_the_official_road_and_then_kept(listening: Checkout) -> None:
    (listening.folder / ".toolchain").mkdir()
    (listening.folder / ".toolchain" / "road").write_text("official\n\n")
    first = listening.run("base.sh", FAKE_PULL="0")
    assert first.returncode == 0, first.stdout
    assert "Pulling the base image" in first.stdout
    assert listening.run("base.sh").stdout == "Base image stealth-vpn/os:trixie of 2026-01-02\n"


def test_a_base_image_that_cannot_be_pulled_is_made_from_packages(listening: Checkout) -> None:
    (listening.folder / ".toolchain").mkdir()
    (listening.folder / ".toolchain" / "road").write_text("official\n\n")
    done = listening.run("base.sh")
    assert "The base image cannot be pulled, so it is made from Debian's packages.\n" in done.stdout
    assert refused(done).startswith("debootstrap is missing, and without apt it cannot be installed.")


# --- Debian's packages ---

APT = """
    #!/bin/sh
    echo "apt-get $*" >>"$0.said"
    case $* in
    *indextargets*Origin*Label:\\ Debian*) cat "$0.debian" 2>/dev/null ;;
    *indextargets*) printf 'https://vendor.test/linux/debian\\nhttps://mirror.test/debian/\\n' ;;
    esac
"""


@pytest.mark.parametrize(("lists", "settings", "mirror"), [
    ("https://mirror.test/own/\n", {}, "https://mirror.test/own/"),
    ("", {}, "https://vendor.test/linux/debian"),
    ("https://mirror.test/own/\n", {"DEBIAN_MIRROR": "https://chosen.test/"}, "https://chosen.test/"),
], ids=["by-origin", "by-address-without-lists", "chosen"])
def test_debians_mirror_is_the_machines_own(
        checkout: Checkout, lists: str, settings: dict[str, str], mirror: str) -> None:
    apt = checkout.fake("apt-get", APT)
    apt.with_name("apt-get.debian").write_text(lists)
    script = checkout.folder / "toolchain" / "ask.sh"
    script.write_text('#!/bin/sh\n. "$(dirname "$0")/lib.sh"\n. "$ROOT/toolchain/apt.sh"\ndebian_mirror\n')
    script.chmod(0o755)
    assert checkout.run("ask.sh", **settings).stdout == mirror + "\n"


def test_packages_that_an_interruption_left_half_installed_come_first(checkout: Checkout) -> None:
    apt = checkout.fake("apt-get", APT)
    said = apt.with_name("apt-get.said")
    checkout.fake("dpkg", f"""
        #!/bin/sh
        echo "dpkg $*" >>{said}
        case $* in *--audit*) echo a mess ;; esac
    """)
    stamps = checkout.folder / ".toolchain" / "stamps"
    stamps.mkdir(parents=True)
    (stamps / "apt.working").write_text("--target-release trixie docker.io iptables\n")
    done = checkout.run("setup.sh")
    assert done.stdout.startswith("Ending an interrupted installation")
    did = [line.split(" --no-install-recommends")[0].split(" ")[-1] if "configure" not in line else "configure"
           for line in said.read_text().splitlines()]
    assert did[:4] == ["--audit", "configure", "install", "update"]
    installed = [line for line in said.read_text().splitlines() if "--no-install-recommends" in line]
    assert installed[0].endswith(" install --target-release trixie docker.io iptables")
    # The next step then finds what is missing still.
    assert installed[1].endswith(" install python3 python3-venv")


# --- Python ---

def test_an_old_python_is_refused_with_its_version(checkout: Checkout) -> None:
    checkout.fake("python3", """
        #!/bin/sh
        case $2 in *platform*) echo 3.9.2 ;; *realpath*) echo "$0" ;; *) exit 1 ;; esac
    """)
    assert refused(checkout.run("python.sh")).startswith(
        "Python 3.11 or newer with venv (found: 3.9.2) is missing, and without apt it cannot be installed.")


def test_a_broken_environment_is_made_anew_and_a_whole_one_is_kept(checkout: Checkout) -> None:
    (checkout.fakes / "python3").symlink_to(os.path.realpath(sys.executable))
    assert checkout.run("python.sh").returncode == 0
    environment = checkout.folder / ".venv"
    leftover = environment / "leftover"
    leftover.touch()
    assert checkout.run("python.sh").stdout.count("\n") == 1
    assert leftover.exists()

    def interrupt() -> None:
        (checkout.folder / ".toolchain" / "stamps" / "venv.working").touch()

    def remove_its_python() -> None:
        (environment / "bin" / "python").unlink()
        (environment / "bin" / "python").symlink_to("/nonexistent/python3.9")

    def put_another_python() -> None:
        real = os.path.realpath(environment / "bin" / "python")
        (environment / "bin" / "python").unlink()
        (environment / "bin" / "python").write_text(f'#!/bin/sh\nexec {real} "$@"\n')
        (environment / "bin" / "python").chmod(0o755)

    for damage in (interrupt, remove_its_python, put_another_python):
        leftover.touch()
        damage()
        done = checkout.run("python.sh")
        assert done.returncode == 0, done.stdout
        assert not leftover.exists(), damage.__name__
        assert subprocess.run([environment / "bin" / "python", "-c", "import pip"], check=False).returncode == 0


# --- Running and interrupting ---

def test_run_hands_words_over_as_they_are_and_keeps_the_operators_pulumi_out(builder: Checkout) -> None:
    assert builder.run("pulumi.sh", ROAD="mirror").returncode == 0
    done = builder.run("run.sh", "sh", "-c", 'printf "%s|" "$@" "$PULUMI_HOME" "$PULUMI_BACKEND_URL"', "sh",
                       "it's", '"two"  words', "$HOME")
    home = builder.folder / ".toolchain" / "pulumi-home"
    assert done.stdout == f"it's|\"two\"  words|$HOME|{home}|file://{builder.folder}|"


def test_run_takes_the_state_s_place_from_a_file_and_before_it_from_the_environment(builder: Checkout) -> None:
    assert builder.run("pulumi.sh", ROAD="mirror").returncode == 0
    (builder.folder / ".pulumi-backend").write_text("s3://bucket/vpn?region=eu-central-1\n")
    words = ("run.sh", "sh", "-c", 'printf %s "$PULUMI_BACKEND_URL"')
    assert builder.run(*words).stdout == "s3://bucket/vpn?region=eu-central-1"
    assert builder.run(*words, PULUMI_BACKEND_URL="gs://other").stdout == "gs://other"


def test_run_takes_the_rights_of_a_group_that_the_session_does_not_have_yet(builder: Checkout) -> None:
    assert builder.run("pulumi.sh", ROAD="mirror").returncode == 0
    # Root may use every socket, so the question is put to a fake `[` of the script's own.
    script = builder.folder / "toolchain" / "docker.sh"
    script.write_text(script.read_text().replace('may_use_socket() { [ -w "$SOCKET" ]; }',
                                                 "may_use_socket() { [ -n \"${FAKE_GROUP:-}\" ]; }"))
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    builder.fake("getent", f"#!/bin/sh\necho docker:x:999:someone,{user}\n")
    builder.fake("sg", '#!/bin/sh\nexport FAKE_GROUP="$1"\nexec sh -c "$3"\n')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(builder.socket))
        done = builder.run("run.sh", "sh", "-c", 'echo "$FAKE_GROUP: $1"', "sh", "it's a \"test\" $HOME")
    assert done.stdout == "docker: it's a \"test\" $HOME\n"


def test_run_before_the_setup_says_what_to_do(checkout: Checkout) -> None:
    assert refused(checkout.run("run.sh", "true")) == "Pulumi is not set up yet. Run `make setup`."


def is_working(process: int) -> bool:
    """Tell whether a process is there and no mere entry that waits for its parent."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_an_interrupted_step_ends_with_all_that_it_started(builder: Checkout) -> None:
    note = builder.folder / "compiler"
    builder.fake("go", (builder.fakes / "go").read_text().replace("build)", f"build) echo $$ >{note}; sleep 60", 1))
    with builder.start("pulumi.sh", ROAD="mirror") as process:
        builder.wait_for("compiler")
        time.sleep(0.3)
        compiler = int(note.read_text())
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does at Ctrl-C; what runs in the background ignores it
        process.wait(timeout=10)
    end = time.monotonic() + 10
    while is_working(compiler):
        assert time.monotonic() < end, "the compiler goes on unseen"
        time.sleep(0.05)


def test_a_second_setup_of_this_checkout_changes_nothing() -> None:
    def stamps() -> dict[str, int]:
        return {str(file): file.stat().st_mtime_ns for folder in ("stamps", "bin", "plugins")
                for file in (ROOT / ".toolchain" / folder).rglob("*")}

    setup = [str(ROOT / "toolchain" / "setup.sh")]
    assert subprocess.run(setup, capture_output=True, check=False).returncode == 0
    before = stamps()
    done = subprocess.run(setup, capture_output=True, text=True, check=False)
    # No line of a long step among them.
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [
        "Python", "Road:", "Pulumi", "Docker", "Base"], done.stdout + done.stderr
    assert stamps() == before
