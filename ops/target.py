"""What the commands must know of a stack before Pulumi runs: its engine and the public ports.

Only for checks that come too late inside the program. Values are not judged here: the program's own Settings
refuses a bad one, with a better sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml

from .errors import OperatorError

ROOT = Path(__file__).parents[1]
PROJECT = "stealth-vpn"
BACKUP_KEY = ROOT / ".backup-key"
"""What backups are encrypted with; a copy of it belongs elsewhere."""

NEXT_BACKUP_KEY = BACKUP_KEY.with_name(".backup-key.next")
"""The key that a rotation is about to put in its place."""

FORMER_BACKUP_KEY = BACKUP_KEY.with_name(".backup-key.former")
"""The one before, until it opens nothing any more."""

HERE = "unix:///var/run/docker.sock"
"""This machine's own engine."""

MINIMAL = ("admin", "caddy")
FULL = (*MINIMAL, "singbox", "trojan", "wireguard", "xray")
TUNNEL = "tunnel"
"""Beside the panel of a fleet."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a stack goes."""

    stack: str
    docker_host: str
    http_port: object
    https_port: object
    ipv6: object
    domain: str = ""
    network_subnet: str = ""
    data_dir: str = ""
    """Below which logs are written on the engine's machine; empty for none."""

    log_retention_days: object = 7
    log_max_size: str = "10m"
    log_max_files: object = 3
    services: tuple[str, ...] = FULL
    """Names of the services that the mode asks for."""

    host_setup: object = True
    """Whether a deploy makes the machine of an engine by ssh ready."""

    build_on: str = "here"
    """Where the images for an engine by ssh are built: here or host."""

    stopped: frozenset[str] = frozenset()
    """Those of them that an operator has stopped, and that stay so."""

    @property
    def running(self) -> frozenset[str]:
        """Names of the services that must run."""
        return frozenset(self.services) - self.stopped

    @classmethod
    def read(cls, stack: str, folder: Path = ROOT) -> Self:
        """Read the stack's file and the defaults; raises OperatorError when it does not exist."""
        return cls.of(stack, settings(stack, folder))

    @classmethod
    def of(cls, stack: str, given: Mapping[str, Any]) -> Self:
        """Return what these values, defaults too, say of a stack."""
        return cls(stack=stack, docker_host=str(given["dockerHost"]), http_port=given["httpPort"],
                   https_port=given["httpsPort"], ipv6=given["ipv6"],
                   host_setup=given.get("hostSetup", True), build_on=str(given.get("buildOn", "here")),
                   data_dir=str(given["dataDir"]), log_retention_days=given["logRetentionDays"],
                   log_max_size=str(given["logMaxSize"]), log_max_files=given["logMaxFiles"],
                   domain=str(given.get("domain", "")), network_subnet=str(given["networkSubnet"]),
                   services=(wanted := _services(given)),
                   stopped=frozenset(wanted) & frozenset(given["stopped"] or ()))

    @property
    def is_set_up(self) -> bool:
        """Whether a deploy makes the engine's machine ready: Docker may be missing there before the first one."""
        return not self.is_local and self.host_setup in {True, "true"}

    @property
    def builder(self) -> str:
        """The engine that builds the images: the server's own, or this machine's, from where they are carried."""
        return HERE if not self.is_local and self.build_on == "here" else self.docker_host

    @property
    def is_built_elsewhere(self) -> bool:
        """Whether the images are built on another engine than the one that they are for."""
        return self.builder != self.docker_host

    @property
    def is_local(self) -> bool:
        """Whether the engine is this machine's."""
        return self.docker_host.startswith("unix://")


def _services(given: Mapping[str, Any]) -> tuple[str, ...]:
    if given["mode"] == "minimal":
        return MINIMAL
    return (*FULL, TUNNEL) if given.get("hosts") else FULL


def settings(stack: str, folder: Path = ROOT) -> dict[str, Any]:
    """Return every value of a stack, defaults too, as they are written; raises OperatorError like Target.read."""
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.exists():
        raise OperatorError(
            f"stack {stack} has no file {file.name}, but a stack is made from one. "
            f"Copy Pulumi.prod.yaml to {file.name} and change its values.")
    return {key: entry["default"] for key, entry in schema(folder).items() if "default" in entry} | values(file)


def schema(folder: Path = ROOT) -> dict[str, Any]:
    """Return type, default and meaning of each key."""
    entries: dict[str, Any] = parsed(folder / "Pulumi.yaml")["config"]
    return entries


def values(file: Path) -> dict[str, Any]:
    """Return the values that stand in a stack's file; raises OperatorError like `parsed`."""
    config = parsed(file).get("config") or {}
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def parsed(file: Path) -> dict[str, Any]:
    """Return what a file of Pulumi's holds; raises OperatorError if it is no map in YAML."""
    try:
        found = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise OperatorError(
            f"{file.name} is no YAML (line {line}). Mend it there, or take it back from git.") from error
    if not isinstance(found, dict):
        raise OperatorError(f"{file.name} is empty or no map. Take it back from git, or copy Pulumi.prod.yaml.")
    return found
