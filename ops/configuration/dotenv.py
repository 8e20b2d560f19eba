"""Reads a file of variables in the form that Docker Compose takes (docs.docker.com, "Env file syntax").

Stricter than Compose: whatever it would take for something else than was meant is refused, by its line.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import OperatorError

_ASSIGNMENT = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<rest>.*)")
_QUOTED = re.compile(r"""(?P<quote>['"])(?P<value>(?:(?!(?P=quote)).)*)(?P=quote)\s*(?:#.*)?""")
_COMMENT = re.compile(r"(?:^|\s+)#.*")


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One assignment, with the line that it stands in, counted from 1."""

    line: int
    name: str
    value: str


def read(file: Path) -> dict[str, Variable]:
    """Return the file's variables by name; raises OperatorError if it cannot be read, or at its first faulty line."""
    found: dict[str, Variable] = {}
    for number, line in enumerate(_text(file).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        variable = _parsed(file, number, line.strip())
        if other := found.get(variable.name):
            raise OperatorError(f"{file} has {variable.name} in line {other.line} and again in line {number}. "
                                "Remove one of them.")
        found[variable.name] = variable
    return found


def _parsed(file: Path, number: int, line: str) -> Variable:
    if not (match := _ASSIGNMENT.fullmatch(line)):
        # Not the line itself: it may hold a secret.
        raise OperatorError(f"line {number} of {file} is no variable. Write it as NAME=value, or remove it.")
    rest = match["rest"]
    if rest.startswith(("'", '"')):
        if not (quoted := _QUOTED.fullmatch(rest)):
            raise OperatorError(f"line {number} of {file}: the quotes of {match['name']} do not end. Close them.")
        rest = quoted["value"]
    else:
        rest = _COMMENT.sub("", rest)
    return Variable(line=number, name=match["name"], value=rest.strip())


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise OperatorError(f"{file} cannot be read: {reason}. Name the file with your variables.") from error
