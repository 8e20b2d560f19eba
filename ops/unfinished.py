"""What was cut short and keeps other changes out until it has ended: an update, or a restore by its mark here.

A restore leaves a mark of what it was told, so that the same command finishes it. Between the first change and
the last, what is here is neither the old server nor the restored one: no deploy may make a server of it, and nothing
of it is worth a backup.
"""

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import OperatorError
from .files import write_whole
from .stack import LOG_FOLDER
from .update import journal


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a restore was told to do; the same again means to go on with it."""

    where: str
    """With the whole path of a folder, because the next command may be typed elsewhere."""

    engine: str
    keeps_data: bool

    @property
    def command(self) -> str:
        """The words that ask for it."""
        engine = ["--engine", self.engine] if self.engine else []
        return shlex.join(["ops", "restore", self.where, *engine, *(["--keep-data"] if self.keeps_data else [])])


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A restore that has begun to change something."""

    asked: Asked
    address: str
    """Of the repository, as it was found then: the configuration that names it may be another one now."""

    credentials_file: str
    snapshot: str
    """Which backup `latest` was then: one that was made since must not take its place."""

    docker_host: str
    """The engine that it went to."""

    is_placed: bool = False
    """Whether everything is back, and only the deploy is left."""

    def left_a_part_on(self, docker_host: str) -> bool:
        """Tell whether what is on that engine may be a part of what it puts back, or of what it takes away."""
        return not self.is_placed and self.docker_host == docker_host


class Mark:
    """The mark of one stack, a file beside the state that holds no secret."""

    def __init__(self, stack: str, folder: Path | None = None) -> None:
        self.file = (folder or LOG_FOLDER.parent) / f"restoring.{stack}.json"

    def read(self) -> Begun | None:
        """Return the restore that was not finished, or None."""
        try:
            held = json.loads(self.file.read_text())
        except FileNotFoundError:
            return None
        return Begun(**{**held, "asked": Asked(**held["asked"])})

    def write(self, begun: Begun) -> None:
        """Keep it over a loss of power, at once or not at all."""
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.file, json.dumps(asdict(begun)))

    def clear(self) -> None:
        """Say that the server is whole."""
        self.file.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """What has begun, was not ended, and keeps other changes out."""

    name: str
    sentence: str
    command: str
    """What goes on with it."""


def unfinished(stack: str) -> list[Unfinished]:
    """Return all that has begun on a stack and has not ended."""
    found = list(filter(None, [half_restored(stack)]))
    if sentence := journal.unfinished(stack):
        found.append(Unfinished(name="update", command="ops update --continue", sentence=sentence))
    return found


def half_restored(stack: str) -> Unfinished | None:
    """Return the restore that has begun and has not put everything back, or None."""
    mark = Mark(stack)
    begun = mark.read()
    if not begun or begun.is_placed:
        return None
    command = begun.asked.command
    return Unfinished(
        name="restore", command=command,
        sentence=f"A restore was cut short, and what is here is only a part of a server. Run `{command}` again, with "
                 f"its other options. To go on with what is here instead, remove {mark.file}.")


def refuse_unfinished(stack: str) -> None:
    """Raise OperatorError where there is any: another change would be taken for a part of it."""
    for one in unfinished(stack):
        raise OperatorError(one.sentence)
