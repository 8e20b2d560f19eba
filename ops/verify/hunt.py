"""Looks for the stack's own secrets wherever others may read, and tells names and places, never a value."""

import json
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..docker import Engine
from ..stack import LOG_FOLDER, Stack
from .checks import Check, judged, unchecked
from .host import HostFacts
from .inspect import CONNECTIONS, Entry, Observed, name_of

Places = Iterable[tuple[str, str | None]]
"""Names of places, and what stands there; None where that cannot be read."""

_REMEDY = "Take it away from there, and treat the secret as known to others: see docs/verify.md."
_LOG_LINES = "2000"
_PRIVATE_BITS = stat.S_IRWXG | stat.S_IRWXO


def checks(known: Mapping[str, str], stack: Stack, engine: Engine, observed: Observed, looked_at: Iterable[Entry],
           facts: HostFacts) -> Iterator[Check]:
    """Hunt in every place."""
    looked_at = tuple(looked_at)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        used = {str(entry["Image"]) for entry in looked_at}
        history = pool.map(lambda entry: _history(engine, entry),
                           [entry for entry in observed.images if entry["Id"] in used])
        logs = pool.map(lambda entry: _log(engine, entry),
                        [entry for entry in looked_at if entry["State"]["Status"] != "created"])
        yield _row("containers, networks and volumes, to those who inspect them", known, _inspected(observed))
        yield _row("images and their history", known, [*_images(observed), *history])
        yield _row("the containers' last log lines", known, list(logs))
    promise = "command lines and environments of the machine's processes"
    if facts.is_root:
        yield _row(promise, stack.hidden_from_processes(known), _words(facts))
    else:
        yield unchecked("secrets", f"none stands in {promise}", "this user may not see all of them",
                        "Run it as root on the engine's machine, or as a user of sudo who needs no password for it.")
    yield _row("the state, and ids of resources in it", known, stack.written())
    yield _row("what these commands have logged", known, _logged(stack.name), may_be_empty=True)
    yield judged("secrets", "state, passphrase and logs are for their owner only", _open_files(stack),
                 "Take the rights of others away by `chmod -R go= .pulumi .pulumi-passphrase`.")


def hunted(known: Mapping[str, str], places: Places) -> list[str]:
    """Return which secret stands where, by name."""
    return [f"{name} stands in {place}" for place, text in places if text is not None for name, value in known.items()
            if value in text or json.dumps(value)[1:-1] in text]


def _row(where: str, known: Mapping[str, str], places: Places, *, may_be_empty: bool = False) -> Check:
    places = tuple(places)
    promise, found = f"none stands in {where}", hunted(known, places)
    unread = [place for place, text in places if text is None]
    if not found and (unread or not known or not (places or may_be_empty)):
        why = f"{', '.join(unread)} cannot be read" if unread else "there is nothing to look " + (
            "into" if known else "for")
        return unchecked("secrets", promise, why, "Look why Docker or the state's folder does not show it.")
    return judged("secrets", promise, found, _REMEDY, kept=f"none of {len(known)}, in {len(places)} places")


def _inspected(observed: Observed) -> Iterator[tuple[str, str]]:
    for entry in observed.containers:
        name, config = name_of(entry), dict(entry["Config"])
        for variable in config.pop("Env", None) or []:
            yield f"the environment variable {variable.partition('=')[0]} of {name}", variable.partition("=")[2]
        for label, value in (config.pop("Labels", None) or {}).items():
            yield f"the label {label} of {name}", value
        yield f"`docker inspect {name}`", "\n".join(_texts({**entry, "Config": config}))
    for entry in (*observed.networks, *observed.volumes):
        yield f"`docker inspect {entry['Name']}`", "\n".join(_texts(entry))


def _images(observed: Observed) -> Iterator[tuple[str, str]]:
    for entry in observed.images:
        yield f"the image {_title(entry)}", "\n".join(_texts(entry))


def _texts(value: object) -> Iterator[str]:
    """Yield every text in it, names too, as it is and not as JSON writes it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _log(engine: Engine, entry: Entry) -> tuple[str, str | None]:
    done = engine.ask("logs", "--tail", _LOG_LINES, str(entry["Id"]))
    return f"the log of {name_of(entry)}", done.stdout + done.stderr if done.returncode == 0 else None


def _history(engine: Engine, entry: Entry) -> tuple[str, str | None]:
    done = engine.ask("history", "--no-trunc", "--format", "{{.CreatedBy}} {{.Comment}}", str(entry["Id"]))
    return f"the history of the image {_title(entry)}", done.stdout if done.returncode == 0 else None


def _title(entry: Entry) -> str:
    return str((entry.get("RepoTags") or [entry["Id"]])[0])


def _words(facts: HostFacts) -> Iterator[tuple[str, str]]:
    kinds = {"cmdline": "the command line", "environ": "the environment"}
    for pid, process in facts.processes.items():
        for kind, words in process.words.items():
            yield f"{kinds[kind]} of {process.title} (process {pid})", "\n".join(words)


def _logged(stack: str) -> Iterator[tuple[str, str]]:
    for file in sorted(LOG_FOLDER.glob(f"{stack}.*")):
        yield file.name, file.read_text(errors="replace")


def _open_files(stack: Stack) -> Iterator[str]:
    for file in stack.private_files():
        if file.exists() and file.stat().st_mode & _PRIVATE_BITS:
            yield f"{file.name} is open to others ({_mode(file)})"


def _mode(file: Path) -> str:
    return re.sub(r"^0o", "", oct(stat.S_IMODE(file.stat().st_mode)))
