"""The commands for the watchdog: `ops watchdog ...`. Exit codes: 0 done or all is well, 1 refused or none runs."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict

import click

from ..docker import Engine
from ..errors import OperatorError
from ..operations.words import printable
from ..target import Target
from . import host


@click.group()
def watchdog() -> None:
    """Look after the program that restarts services which hang."""


@watchdog.command()
@click.pass_obj
def install(name: str) -> None:
    """Let the watchdog run on the engine's machine: by systemd, or else until the next boot."""
    target = Target.read(name)
    word = host.install(Engine(target.docker_host), target, force=True)
    if reason := host.why_not(word):
        raise OperatorError(f"the watchdog cannot be installed: {reason}.")
    click.echo("The watchdog runs. `ops watchdog status` shows what it did.")


@watchdog.command()
@click.pass_obj
def off(name: str) -> None:
    """Let the watchdog restart nothing, over deploys and boots, until `ops watchdog install`; logs go on."""
    target = Target.read(name)
    word = host.switch_off(Engine(target.docker_host), target)
    if word == "root":
        raise OperatorError("the watchdog runs on, because this user is not root on the engine's machine. "
                            "Run `ops watchdog off` as root, or as a user of sudo without a password.")
    click.echo("The watchdog is off. `ops watchdog install` lets it run again.")


@watchdog.command()
@click.pass_obj
def run(name: str) -> None:
    """Be the watchdog in this terminal, until Ctrl-C, as root; for what starts programs on machines without systemd."""
    target = Target.read(name)
    if not target.is_local:
        raise OperatorError(f"the engine is on another machine ({target.docker_host}), and the watchdog must run "
                            "there. Let it run with `ops watchdog install`.")
    if os.geteuid() != 0:
        raise OperatorError("only root may end processes of containers. Run `ops watchdog run` as root.")
    Engine(target.docker_host).version()
    words = host.arguments(target, host.PROGRAM.name)
    os.chdir(host.PROGRAM.parent)
    # In place of this program, which takes ten times the memory.
    os.execv(sys.executable, [sys.executable, *words])  # noqa: S606 - no shell


@watchdog.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
@click.pass_obj
def status(name: str, as_json: bool) -> None:
    """Show whether the watchdog runs and what it has restarted; exit code 1 unless it runs and can look."""
    found = host.State.of(Engine(Target.read(name).docker_host), name)
    if as_json:
        click.echo(json.dumps(asdict(found), indent=2))
    else:
        for act in found.acts:
            click.echo(printable(f"{act['at']} {act['service']} {act['reason']}"))
        click.echo(printable(found.fault or found.line))
    sys.exit(0 if found.runs and not found.is_off and not found.fault else 1)


def ensure(engine: Engine, target: Target, show: Callable[[str], None]) -> None:
    """Let it run after a deploy, unless an operator switched it off; says what changed or why there is none."""
    try:
        word = host.install(engine, target, force=False)
    except OperatorError as error:
        show(f"No watchdog: {error}")
        return
    if word == "installed":
        show("The watchdog runs now: services that hang are restarted (docs/watchdog.md).")
    elif word == "off":
        show("The watchdog is off; `ops watchdog install` lets it run again.")
    elif reason := host.why_not(word):
        show(f"No watchdog: {reason}.")


def withdraw(engine: Engine, target: Target, show: Callable[[str], None]) -> None:
    """Take it away with the server that it watched."""
    try:
        if host.remove(engine, target.stack) == "root":
            show("The watchdog stays, because this user is not root on the engine's machine; it does nothing now.")
    except OperatorError as error:
        show(f"The watchdog stays: {error}")
