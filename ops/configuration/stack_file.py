"""A stack's file, Pulumi.<stack>.yaml: its values are changed all together or not at all, and all else stays as it is.

Not by `pulumi config set`: that needs Pulumi and a stack, and an installation asks before either is there.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml

from .. import target
from ..errors import OperatorError
from ..files import write_whole
from ..target import PROJECT, ROOT
from .variables import Given, typed

# What is encrypted is judged by whoever decrypts it, the program. These pass its rules.
_STAND_INS = {
    "databaseUrl": "postgresql+psycopg://user@host/name",
    "alertWebhookUrl": "https://host",
    "alertSmtpUrl": "smtps://host",
}
# Which key is whose is no configuration: Pulumi writes it when it makes a stack. An operator writes secretsprovider.
_OF_A_MADE_STACK = ("encryptionsalt", "encryptedkey")
_HEADER = "# Made by install.sh; README.md lists all keys.\nconfig:\n"


class StackFile:
    """The file of one stack, which need not be there yet."""

    def __init__(self, stack: str, folder: Path = ROOT) -> None:
        self.path = folder / f"Pulumi.{stack}.yaml"
        self.schema = target.schema(folder)
        self.own = target.values(self.path) if self.path.exists() else {}
        """The values that stand in it."""

    @property
    def values(self) -> dict[str, Any]:
        """Every value, defaults too."""
        return {key: entry["default"] for key, entry in self.schema.items() if "default" in entry} | self.own

    @property
    def is_settled(self) -> bool:
        """Whether a stack was made from it, so that its values are somebody's choice."""
        return self.path.exists() and any(key in target.parsed(self.path) for key in _OF_A_MADE_STACK)

    def changes(self, given: Mapping[str, Given]) -> dict[str, Given]:
        """Return what is given and stands there otherwise."""
        now = self.values
        return {key: item for key, item in given.items()
                if key not in now or self._typed(key, now[key]) != item.value}

    def judge(self, given: Mapping[str, Given]) -> None:
        """Raise OperatorError, which says where the value came from, if the program would refuse these changes."""
        # Here and not above: the other commands shall not wait for its libraries.
        from components.errors import SettingsError
        from components.fleet_hosts import KEY as HOSTS
        from components.fleet_hosts import parse as parse_hosts
        from components.settings import Settings, config_key
        values = self.values | {key: item.value for key, item in given.items()}
        names = {config_key(name): name for name in Settings.__dataclass_fields__}
        # Keys of other namespaces are Pulumi's own.
        for key in sorted({key for key in values if ":" not in key} ^ names.keys()):
            _refuse_key(key, self.path.name, is_known=key in names)
        try:
            typed_values = {name: self._typed(key, values[key]) for key, name in names.items()}
            Settings(**typed_values | {HOSTS: parse_hosts(HOSTS, typed_values[HOSTS])})
        except SettingsError as error:
            origin = given[error.key].origin if error.key in given else self.path.name
            raise OperatorError(f"{error.fault} It comes from {origin}; change it. Nothing was written.") from error

    def write(self, given: Mapping[str, Given]) -> None:
        """Write these changes, by a rename: an interruption leaves the old file or the new one."""
        changes = {f"{PROJECT}:{key}": item.value for key, item in given.items()}
        before = self.path.read_text() if self.path.exists() else _HEADER
        after = edited(before, changes)
        if not _is_as(after, _expected(before, changes)):
            raise OperatorError(f"{self.path.name} is written in a way that cannot be changed by program. "
                                f"Set the values there by hand: {', '.join(given)}.")
        write_whole(self.path, after, self.path.stat().st_mode & 0o777 if self.path.exists() else 0o644)

    def _typed(self, key: str, value: Any) -> Any:
        if isinstance(value, dict) and "secure" in value:
            return _STAND_INS.get(key, "")
        try:
            return typed(key, value, self.schema)
        except ValueError as error:
            raise OperatorError(f"{key} is {value} in {self.path.name}, but it is of type "
                                f"{self.schema[key]['type']}. Change it there. Nothing was written.") from error


def edited(text: str, changes: Mapping[str, Any]) -> str:
    """Return a stack's file with other values, all else as it is: comments, order and what is encrypted."""
    config = _config_of(text)
    if config is None:
        return f"{_with_end(text)}config:\n{_lines(changes, '  ')}"
    if not isinstance(config, yaml.MappingNode) or config.flow_style:
        values = {**(_parsed(text).get("config") or {}), **changes}
        return f"{text[:config.start_mark.index]}\n{_lines(values, '  ')}{text[config.end_mark.index:].lstrip(chr(10))}"
    nodes = {key.value: (key, value) for key, value in config.value}
    added = {key: value for key, value in changes.items() if key not in nodes}
    place = _line_after(text, _end(config))
    text = f"{_with_end(text[:place])}{_lines(added, ' ' * config.start_mark.column)}{text[place:]}"
    # From the last one on, so that the places of the others stay true.
    for name, (key, value) in reversed(nodes.items()):
        if name in changes:
            text = f"{text[:key.end_mark.index]}: {_scalar(changes[name])}{text[_end(value):]}"
    return text


def _end(node: yaml.Node) -> int:
    """Return where a node's text ends; PyYAML lets one that takes lines of its own end where the next token begins."""
    if isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    index: int = node.end_mark.index
    return index


def _line_after(text: str, index: int) -> int:
    return index if text[index - 1] == "\n" else (text.find("\n", index) + 1 or len(text))


def _config_of(text: str) -> yaml.Node | None:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return None
    return next((value for key, value in root.value if key.value == "config"), None)


def _lines(values: Mapping[str, Any], indent: str) -> str:
    return "".join(f"{indent}{key}: {_scalar(value)}\n" for key, value in values.items())


def _scalar(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=1 << 20)
    return text.removesuffix("...\n").strip()


def _with_end(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _parsed(text: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(text) or {}
    return parsed


def _is_as(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return _parsed(text) == expected
    except yaml.YAMLError:
        return False


def _expected(before: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    parsed = _parsed(before)
    return parsed | {"config": {**(parsed.get("config") or {}), **changes}}


def _refuse_key(key: str, name: str, *, is_known: bool) -> NoReturn:
    if is_known:
        raise OperatorError(f"{key} has no value in {name}, but it is required. Give one to `ops config ask`.")
    raise OperatorError(f"{key} in {name} is no configuration key. Remove it there. Nothing was written.")
