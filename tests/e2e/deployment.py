"""A whole server, deployed for tests by the operator's own commands from a copy of this checkout.

The engine has room for one server (fixed names, ports and addresses), so the tests refuse to begin beside another
one and take away only what carries their own stack's label.
"""

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from ops import subscription
from ops.docker import Engine
from ops.watchdog import host
from tests.e2e.containers import call_text

ROOT = Path(__file__).parents[2]
STACK = "e2e"
LABEL = "org.stealth-vpn.stack"
SERVICES = ("admin", "caddy", "singbox", "trojan", "wireguard", "xray")
NAMES = ("www", "cdn", "img", "app", "q", "t")
"""Labels under the domain that answer on the public port."""

SITE = (ROOT / "images" / "caddy" / "site" / "index.html").read_bytes()
"""The cover site's first page."""

ENGINE_ADDRESS = "unix:///var/run/docker.sock"
"""Of the engine that the tests deploy to, this machine's own."""

MACHINE = "e2e-machine"
"""The tests' own container that has the machine's network (lines.py)."""

RESOLVER = "203.0.113.1"
"""Whom the server asks for names: the tests' own resolver (outside.py)."""

ALLOWED_NETWORK = "10.77.0.0/24"
"""The one private network that clients may reach."""

OWN_ADDRESSES = ("198.51.100.1/32", "203.0.113.200/32", "2001:db8:113::200/128")
"""Public addresses that the server takes for its own, so that clients may not reach them."""

_OPS = ("python", "-m", "ops")
_LOOKING = {"accounts", "doctor", "health", "logs", "preview", "probe", "status", "users", "validate", "verify"}
# What a deploy is made of, compiled Python left out.
_SOURCES = ("*.py", "*.pem", "*.key", "images/**/Dockerfile", *(
    f"{room}/**/*.*[!c]" for room in ("admin", "components", "images", "policy", "templates")))
# What runc says of a container that it could not start on a busy machine, although nothing is wrong with it.
_RACE = "read init-p: connection reset by peer"
_COMMAND_SECONDS = 900
_ENGINE_SECONDS = 60
_HEALTHY_SECONDS = 60


def docker(*words: str, check: bool = True) -> str:
    """Run a docker command and return what it prints."""
    done = call_text(*words)
    if _RACE in done.stderr and "--name" in words:
        call_text("rm", "--force", words[words.index("--name") + 1])
        done = call_text(*words)
    assert done.returncode == 0 or not check, f"{done.stderr}{done.stdout}"
    return done.stdout.strip()


def names(kind: str, *filters: str) -> set[str]:
    """Return the names of containers, networks or volumes that pass the filters."""
    words = {"container": ("ps", "--all", "--format", "{{.Names}}"),
             "network": ("network", "ls", "--format", "{{.Name}}"),
             "volume": ("volume", "ls", "--format", "{{.Name}}")}[kind]
    return set(docker(*words, *(word for text in filters for word in ("--filter", text))).split())


def refuse_beside_another_server() -> None:
    """Fail when this engine holds a server, or the data of one, that is not the tests' own."""
    for kind in ("container", "volume", "network"):
        foreign = names(kind, "name=^stealth-") - names(kind, "name=^stealth-", f"label={LABEL}={STACK}")
        assert not foreign, (
            f"this engine has another server's {kind} {', '.join(sorted(foreign))}, and these tests need its names. "
            "Take it away (`make down`, then `docker volume rm`), or run the tests on another machine.")


def clean() -> None:
    """Remove everything of the tests' own stack, volumes and watchdog too."""
    host.remove(Engine(ENGINE_ADDRESS), STACK)
    for kind, remove in (("container", ("rm", "--force", "--volumes")), ("network", ("network", "rm")),
                         ("volume", ("volume", "rm"))):
        if own := names(kind, f"label={LABEL}={STACK}"):
            docker(*remove, *own)


def restart_engine() -> None:
    """Stop Docker Engine with all its containers, and start it as a reboot would."""
    running = names("container", "status=running")
    foreign = running - names("container", "status=running", f"label={LABEL}={STACK}") - {MACHINE}
    assert not foreign, f"this test restarts Docker Engine, but {', '.join(sorted(foreign))} runs on it"
    daemon = int(Path("/var/run/docker.pid").read_text())
    os.kill(daemon, signal.SIGTERM)
    end = time.monotonic() + _ENGINE_SECONDS
    while psutil.pid_exists(daemon) and time.monotonic() < end:
        time.sleep(0.1)
    subprocess.run([str(ROOT / "toolchain" / "engine.sh")], check=True, capture_output=True, timeout=_ENGINE_SECONDS)


class Server:
    """The tests' own server: a copy of the checkout, with a state of its own."""

    def __init__(self, folder: Path, through: tuple[str, ...] = ()) -> None:
        """Copy the checkout; commands run by way of `through`, such as on another machine (second.py)."""
        self.folder, self._through = folder, through
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"],
                                cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        for made in (".venv", ".toolchain"):
            (folder / made).symlink_to(ROOT / made)
        self._outputs: dict[str, Any] | None = None
        self.standing: object = None
        """What was deployed last, or None when anything but looking happened since."""
        self.configure()

    def configure(self, **changes: object) -> None:
        """Write the stack's file anew: the local one's values, and these changes."""
        file = self.folder / f"Pulumi.{STACK}.yaml"
        salt = [line for line in file.read_text().splitlines() if line.startswith("encryptionsalt")] \
            if file.exists() else []
        values = {"domain": "stealth.test", "email": "admin@stealth.test", "dnsServers": [RESOLVER],
                  "egressAllow": [ALLOWED_NETWORK], "egressRefuse": list(OWN_ADDRESSES)} | changes
        lines = [f"  stealth-vpn:{key}: {json.dumps(value)}" for key, value in values.items()]
        file.write_text("\n".join([*salt, "config:", *lines, ""]))

    def start(self, *words: str, stdin: int | None = None) -> subprocess.Popen[str]:
        """Start a command with the project's tools on its path."""
        looks = words[:3] == _OPS and words[3] in _LOOKING and "--fix" not in words
        if not looks and words[:2] != ("pulumi", "stack"):
            self.standing = self._outputs = None
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")}
        return subprocess.Popen(
            [*self._through, str(self.folder / "toolchain" / "run.sh"), *words], cwd=self.folder, text=True,
            env=environment | {"STACK": STACK}, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)

    def run(self, *words: str, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; standard error is in stdout."""
        process = self.start(*words, stdin=stdin)
        output, _ = process.communicate(timeout=_COMMAND_SECONDS)
        return subprocess.CompletedProcess(words, process.returncode, output)

    def answer(self, typed: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in a terminal in which this is typed."""
        ours, theirs = pty.openpty()
        os.write(ours, typed.encode())
        try:
            return self.run(*words, stdin=theirs)
        finally:
            os.close(ours)
            os.close(theirs)

    def ops(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the operator's commands."""
        return self.run("python", "-m", "ops", *words)

    def pulumi(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run Pulumi itself on the stack."""
        return self.run("pulumi", *words, "--stack", STACK, "--non-interactive")

    def up(self) -> str:
        """Deploy; fails with all that was said when it does not work."""
        done = self.ops("up")
        assert done.returncode == 0, done.stdout
        self.standing = self._wanted()
        return done.stdout

    def _wanted(self) -> object:
        # A test changes files, the stack's own too, and puts them back after its deploy.
        files = [file for kind in _SOURCES for file in self.folder.glob(kind) if file.is_file()]
        config = yaml.safe_load((self.folder / f"Pulumi.{STACK}.yaml").read_text())["config"]
        return config, {file: file.stat().st_mtime_ns for file in files}

    def stand(self, **changes: object) -> None:
        """Deploy with these changes to the default configuration, unless just that stands already."""
        self.configure(**changes)
        # Another test's own server may have taken its place and gone.
        if self.standing != self._wanted() or not ids():
            self.up()

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets in clear."""
        # Pulumi takes half a second of a core to tell them, and most tests ask for links by them.
        if self._outputs is None:
            done = self.pulumi("stack", "output", "--json", "--show-secrets")
            assert done.returncode == 0, done.stdout
            # Pulumi's client of S3 may warn first, on standard error.
            self._outputs = json.loads(done.stdout[done.stdout.index("{"):])
        return dict(self._outputs)

    def links(self, url: str = "") -> dict[str, str]:
        """Return a user's links and files by protocol, as the panel answers them; by default the first user's."""
        parsed: dict[str, str] = json.loads(self.subscription("json", url))
        return parsed

    def subscription(self, form: str, url: str = "") -> str:
        """Return what a user's link answers in that form, by default the first user's; fails without an answer."""
        outputs = self.outputs()
        return subscription.answer(
            url or outputs["subscriptionUrl"], form, address("caddy"), outputs.get("authorityCertificate"))


def ids() -> dict[str, str]:
    """Return the container id of each service that exists."""
    lines = docker("ps", "--all", "--no-trunc", "--filter", f"label={LABEL}={STACK}",
                   "--format", "{{.Names}} {{.ID}}").splitlines()
    pairs = dict(line.split() for line in lines)
    return {name: pairs[f"stealth-{name}"] for name in SERVICES if f"stealth-{name}" in pairs}


def inspect(service: str) -> dict[str, Any]:
    """Return what the engine knows of a service's container."""
    (entry,) = json.loads(docker("inspect", f"stealth-{service}"))
    found: dict[str, Any] = entry
    return found


def address(service: str) -> str:
    """Return the service's address on the network that traffic takes."""
    found: str = inspect(service)["NetworkSettings"]["Networks"]["stealth-vpn"]["IPAddress"]
    return found


def healthy() -> set[str]:
    """Return the services that the engine calls healthy."""
    return {name for name in ids() if inspect(name)["State"].get("Health", {}).get("Status") == "healthy"}


def await_healthy(*services: str, patience_seconds: float = _HEALTHY_SECONDS) -> None:
    """Wait until these services are healthy; fails when one is not in time."""
    end = time.monotonic() + patience_seconds
    while missing := set(services) - healthy():
        assert time.monotonic() < end, f"not healthy after {patience_seconds} s: {', '.join(sorted(missing))}"
        time.sleep(0.1)


@contextmanager
def stopped(service: str) -> Iterator[None]:
    """Stop a service for as long as the block lasts, and wait until it is healthy again."""
    docker("stop", "--time", "1", f"stealth-{service}")
    try:
        yield
    finally:
        docker("start", f"stealth-{service}")
    await_healthy(service)
