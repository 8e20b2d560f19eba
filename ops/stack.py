"""Runs Pulumi for one stack: its passphrase, its state, a run with progress, and what a broken run left behind.

Where Pulumi is and which state it uses comes from toolchain/run.sh, or from the operator's own environment.
"""

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from . import backend, environment, locks, reach, repair
from .backend import state_folder
from .docker import Engine
from .errors import InterruptedRun, OperatorError
from .events import Follower, follow
from .fleet.hosts import MAIN
from .interrupts import Interrupts
from .journal import Journal
from .locks import Lock, Locking
from .target import BACKUP_KEY, FORMER_BACKUP_KEY, NEXT_BACKUP_KEY, PROJECT, ROOT

LOG_FOLDER = ROOT / ".pulumi" / "logs"
POLICIES = ROOT / "policy"
# What the policies judge; a destroy makes nothing.
_JUDGED = {"up", "preview"}
PASSPHRASE_BYTES = 32
"""Random bytes that a passphrase is made of."""
# When this program is killed its Pulumi is asked to end in order, and keeps what it made in its state
# (PR_SET_PDEATHSIG of prctl(2)).
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "INT")


class Stack:
    """One stack of this project."""

    def __init__(self, name: str, show: Callable[[str], None]) -> None:
        self.name = name
        self._show = show
        # Told once by a command, whose preview says it too.
        self._warned: set[str] = set()
        self.log = LOG_FOLDER / f"{name}.log"

    def prepare(self) -> None:
        """Make passphrase, state and stack, unless they are there; takes away the lock of a dead run."""
        LOG_FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        LOG_FOLDER.parent.chmod(0o700)
        self._settle()
        provider = backend.secrets_provider(self.name)
        if provider == backend.PASSPHRASE:
            _make_passphrase()
        self._locking().free()
        if not self.is_made():
            by = [] if provider == backend.PASSPHRASE else ["--secrets-provider", provider]
            self.call("stack", "init", self.name, "--non-interactive", *by)

    def repair(self, engine: Engine, others: Mapping[str, Engine] = MappingProxyType({})) -> None:
        """Take away what a killed run had begun to make, so that this run can make it.

        `others` has those of a fleet's further hosts that can be asked, by name; what is on another is left for later.
        """
        if not self.has_pending_operations():
            return
        if holders := self.locks():
            # What is half made may be the work of a run that lives.
            raise OperatorError(locks.sentence(self.name, holders))
        export = self.call("stack", "export")
        for host, there in {MAIN: engine, **others}.items():
            for name in repair.remove(there, self.name, repair.half_made(export, host)):
                self._show(f"A former run was killed while it made {name}; it is made anew.")
        self.restore(repair.without_half_made(export, others))

    def outputs(self, *, with_secrets: bool = False) -> dict[str, Any]:
        """Return the stack's outputs."""
        words = ["--show-secrets"] if with_secrets else []
        parsed: dict[str, Any] = json.loads(self.call("stack", "output", "--json", *words))
        return parsed

    def is_made(self) -> bool:
        """Tell whether there is any state of it."""
        folder = state_folder()
        if folder is not None:
            return (folder / "stacks" / PROJECT / f"{self.name}.json").exists()
        return any(entry["name"] == self.name for entry in json.loads(self.call("stack", "ls", "--json")))

    def has_resources(self) -> bool:
        """Tell whether the state knows of anything but the stack itself."""
        if not self.is_made():
            return False
        return len(json.loads(self.call("stack", "export"))["deployment"].get("resources") or []) > 1

    def locks(self) -> list[Lock]:
        """Return the locks of runs at work on it, dead ones too; none where a service has its own way to keep them."""
        folder = state_folder()
        if folder is not None:
            return locks.of(folder, self.name)
        # Asked for its own name, Pulumi takes the lock, sees that the name is taken, and changes nothing.
        return locks.told(self._done("stack", "rename", self.name, "--non-interactive").stderr) \
            if backend.is_object_store() else []

    def export(self) -> str:
        """Return the state with its secrets in clear, as JSON; for the memory of this program, and nothing else."""
        return self.call("stack", "export", "--show-secrets")

    def written(self) -> Iterator[tuple[str, str]]:
        """Yield the state as it is kept, secrets encrypted: names of its files, and their texts."""
        folder = state_folder()
        if folder is None:
            yield "the exported state", self.call("stack", "export")
            return
        history = sorted((folder / "history" / PROJECT / self.name).glob("*.checkpoint.json*"))
        for file in (*(folder / "stacks" / PROJECT).glob(f"{self.name}.json*"), *history[-1:]):
            yield file.name, file.read_text(errors="replace")

    def private_files(self) -> list[Path]:
        """Return the files and folders that nobody but their owner may read."""
        own = passphrase_file()
        logs = sorted(LOG_FOLDER.glob(f"{self.name}.*"))
        return [*([own] if own else []), BACKUP_KEY, FORMER_BACKUP_KEY, NEXT_BACKUP_KEY, LOG_FOLDER.parent, *logs]

    def hidden_from_processes(self, known: Mapping[str, str]) -> dict[str, str]:
        """Return the secrets that no process may show; a passphrase that was given by environment is none of them."""
        shown = {"passphrase"} if "PULUMI_CONFIG_PASSPHRASE" in os.environ else set()
        return {name: value for name, value in known.items() if name not in shown}

    def passphrase(self) -> str:
        """Return what encrypts the state's secrets; empty when nobody here knows it, as with a key service."""
        if given := os.environ.get("PULUMI_CONFIG_PASSPHRASE"):
            return given
        file = passphrase_file()
        return file.read_text().strip() if file and file.exists() else ""

    def call(self, *words: str) -> str:
        """Run a short Pulumi command and return what it prints; raises OperatorError with its last line."""
        done = self._done(*words)
        if done.returncode != 0:
            said = done.stderr or done.stdout
            lines = said.strip().splitlines() or ["no reason was given"]
            raise OperatorError(self._known_fault(said) or
                                f"`pulumi {' '.join(words)}` failed: {lines[-1].removeprefix('error: ')}")
        return done.stdout

    def _done(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - fixed words
            self._words(words), cwd=ROOT, capture_output=True, text=True, check=False, env=environment.of_pulumi())

    def _known_fault(self, said: str) -> str:
        """Return a sentence for a lock of another run, or for a state or key that cannot be had."""
        holders = [] if state_folder() else locks.told(said)
        return locks.sentence(self.name, holders) if holders else backend.explained(said, self.name)

    def run(self, *words: str, give_up: Callable[[], bool] = lambda: False) -> Follower:
        """Run a long Pulumi command with progress; raises OperatorError with the faults that it met.

        `give_up` is asked again and again: once it says so the run is interrupted, as by Ctrl-C.
        """
        follower = Follower(self._show, self._warned)
        events = self.log.with_suffix(".events")
        events.write_text("")
        events.chmod(0o600)
        with self.log.open("w") as log, Interrupts(self._show) as interrupts:
            self.log.chmod(0o600)
            process = subprocess.Popen(  # noqa: S603 - fixed words
                [*_ENDS_WITH_US, *self._words(words), "--event-log", str(events), "--non-interactive",
                 "--color", "never"],
                cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                # Not in the terminal's group: it would get each Ctrl-C twice, and the second one kills it.
                start_new_session=True,
                # The flag --event-log exists only with this.
                env=environment.of_pulumi(PULUMI_DEBUG_COMMANDS="true"))
            interrupts.go_to(process)
            try:
                for event in follow(events, lambda: _goes_on(process, interrupts, give_up)):
                    follower.take(event)
            finally:
                if process.poll() is None:
                    # A fault of ours must not leave a deploy running that nobody watches.
                    interrupts.send()
                    process.wait()
        events.unlink()
        if process.returncode < 0:
            raise OperatorError(f"Pulumi was killed by signal {-process.returncode}. Run the same command again: it "
                                "goes on from what was done.")
        if process.returncode != 0:
            raise (InterruptedRun if interrupts.were_sent else OperatorError)(self._sentence(follower))
        if words[0] in _JUDGED and (unasked := follower.verdict.unasked()):
            raise OperatorError(
                f"Pulumi has not asked the policies in {POLICIES}: {len(unasked)} are missing, such as {unasked[0]}. "
                f"Run `make setup`, then try again; if it says this again, look at {self.log}.")
        return follower

    def _sentence(self, follower: Follower) -> str:
        found = [*follower.verdict.refusals, *reach.explained(follower.faults.sentences())]
        if not found:
            known = self._known_fault(self.log.read_text())
            found = [known] if known else _last_errors(self.log)
        return "\n".join([*found, f"All that was said is in {self.log}."])

    def _words(self, words: tuple[str, ...]) -> list[str]:
        about_all = words[:2] in {("stack", "init"), ("stack", "ls")}
        judged = ["--policy-pack", str(POLICIES)] if words[0] in _JUDGED else []
        return ["pulumi", *words, *judged, *([] if about_all else ["--stack", self.name])]

    def restore(self, export: str) -> None:
        """Put a state in place of the present one."""
        with tempfile.NamedTemporaryFile("w", dir=LOG_FOLDER) as file:
            file.write(export)
            file.flush()
            self.call("stack", "import", "--file", file.name)

    def _settle(self) -> None:
        folder = state_folder()
        if folder is not None and rotation_journal(folder).settle():
            self._show("A former run was ended while it put the new passphrase in place; that is done now.")

    def has_pending_operations(self) -> bool:
        """Tell whether a run was killed at work, or is at work now."""
        folder = state_folder()
        if folder is None:
            return bool(json.loads(self.call("stack", "export"))["deployment"].get("pending_operations"))
        state = json.loads((folder / "stacks" / PROJECT / f"{self.name}.json").read_text())
        return bool((state["checkpoint"].get("latest") or {}).get("pending_operations"))

    def break_dead_locks(self) -> None:
        """Take away the locks of runs that were ended by force."""
        self._locking().break_dead()

    def _locking(self) -> Locking:
        return Locking(self.name, self.locks, self._show, cancel=lambda: self.call("cancel", "--yes"),
                       is_far=state_folder() is None)


def passphrase_file() -> Path | None:
    """Return the file that the passphrase is read from, there or not; None when it comes from elsewhere."""
    name = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    return Path(name) if name else None


def rotation_journal(folder: Path) -> Journal:
    """Return where a new passphrase waits for its place, beside the state in a folder (ops/rotate/passphrase.py)."""
    return Journal(folder / "passphrase-rotation")


def _goes_on(process: subprocess.Popen[bytes], interrupts: Interrupts, give_up: Callable[[], bool]) -> bool:
    """Tell whether a run goes on; one that is given up gets one interrupt, for a second one would kill it."""
    if process.poll() is not None:
        return False
    if not interrupts.were_sent and give_up():
        interrupts.send()
    return True


def _make_passphrase() -> None:
    name = os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if name is None or "PULUMI_CONFIG_PASSPHRASE" in os.environ or Path(name).exists():
        return
    # Created with its mode: at no time may another user read it.
    with open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(PASSPHRASE_BYTES) + "\n")


def _last_errors(log: Path) -> list[str]:
    lines = [line.strip() for line in log.read_text().splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1:] or lines[-1:] or ["Pulumi ended without a word."]
