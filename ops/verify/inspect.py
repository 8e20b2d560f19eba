"""What the engine tells of its containers, networks, volumes, images and itself; all of it by `docker inspect`."""

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

from ..docker import STACK_LABEL, Engine, last_line
from ..errors import OperatorError
from .promises import CONTROL, EDGE

PREFIX = "stealth-"
# An engine reached by ssh refuses more sessions at a time (sshd_config(5), MaxStartups).
CONNECTIONS = 6

Entry = Mapping[str, Any]
"""What `docker inspect` prints of one thing."""


@dataclass(frozen=True, kw_only=True)
class Observed:
    """All that an engine told."""

    containers: tuple[Entry, ...]
    networks: tuple[Entry, ...]
    volumes: tuple[Entry, ...]
    images: tuple[Entry, ...]
    info: Entry
    version: Entry

    @classmethod
    def of(cls, engine: Engine) -> Self:
        """Ask the engine for everything that it has; raises OperatorError when it does not answer."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            kinds = {kind: pool.submit(_inspected, engine, kind) for kind in _LISTS}
            info = pool.submit(_asked, engine, "info", "--format", "{{json .}}")
            version = pool.submit(_asked, engine, "version", "--format", "{{json .Server}}")
            return cls(**{f"{kind}s": found.result() for kind, found in kinds.items()},
                       info=json.loads(info.result()), version=json.loads(version.result()))


_LISTS = {
    "container": ("ps", "--all", "--quiet", "--no-trunc"), "network": ("network", "ls", "--quiet", "--no-trunc"),
    "volume": ("volume", "ls", "--quiet"), "image": ("image", "ls", "--quiet", "--no-trunc")}


def name_of(entry: Entry) -> str:
    """Return a container's name."""
    return str(entry["Name"]).removeprefix("/")


def stack_of(labelled: Entry) -> str | None:
    """Return the stack that made a network or volume, or a container by its `Config`; None for a stranger's."""
    return (labelled.get("Labels") or {}).get(STACK_LABEL)


def is_running(entry: Entry) -> bool:
    """Tell whether a container has processes."""
    return bool(entry["State"].get("Running"))


def touches(entry: Entry, stack: str, ids: Mapping[str, str], folder: str) -> bool:
    """Tell whether a container is the server's own by any sign, or reaches into it.

    `ids` leads from the names of the server's containers to their ids; `folder` is where the engine keeps its data.
    """
    sources = [os.path.normpath(str(mount.get("Source") or "")) for mount in entry["Mounts"] if mount["Type"] == "bind"]
    host = entry["HostConfig"]
    shared = {host.get(key, "").removeprefix("container:") for key in ("NetworkMode", "PidMode", "IpcMode")}
    volumes = {mount.get("Name", "") for mount in entry["Mounts"]}
    return (name_of(entry).startswith(PREFIX) or stack_of(entry["Config"]) == stack
            or bool({EDGE, CONTROL} & set(entry["NetworkSettings"].get("Networks") or {}))
            or bool(shared & (set(ids) | set(ids.values())))
            or any(volume.startswith(PREFIX) for volume in volumes)
            or any(_contains(source, folder) or _contains(folder, source) or source.endswith(".sock")
                   for source in sources))


def publishes(entry: Entry) -> bool:
    """Tell whether a container can be reached beside the server."""
    return bool(entry["HostConfig"].get("PortBindings")) or bool(entry["HostConfig"].get("PublishAllPorts"))


def _contains(outer: str, inner: str) -> bool:
    return os.path.commonpath([outer, inner]) == outer if outer.startswith("/") and inner.startswith("/") else False


def _inspected(engine: Engine, kind: str) -> tuple[Entry, ...]:
    ids = list(dict.fromkeys(_asked(engine, *_LISTS[kind]).split()))
    return tuple(_existing(engine, kind, ids)) if ids else ()


def _existing(engine: Engine, kind: str, ids: list[str]) -> list[Entry]:
    # What went away between the two questions makes the command fail, and is left out of what it prints.
    done = engine.ask(kind, "inspect", *ids)
    try:
        parsed: list[Entry] = json.loads(done.stdout)
    except ValueError as error:
        raise _silent(engine, done.stderr) from error
    return parsed


def _asked(engine: Engine, *words: str) -> str:
    done = engine.ask(*words)
    if done.returncode != 0:
        raise _silent(engine, done.stderr)
    return done.stdout


def _silent(engine: Engine, said: str) -> OperatorError:
    return OperatorError(f"Docker Engine at {engine.host} does not tell what runs on it: {last_line(said)}. "
                         "Look at it with `docker info`, and run `make verify` again.")


