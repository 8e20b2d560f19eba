"""`ops config`: the commands that write a stack's file, all of what they are given or nothing."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from .. import preflight
from ..docker import Engine
from ..errors import OperatorError
from ..operations.doctor.machine import TUN
from ..operations.doctor.names import public_names
from ..target import ROOT, Target
from . import dotenv, questions, variables
from .questions import QUESTIONS
from .stack_file import StackFile
from .variables import NOT_TAKEN, Given

_FLAGS = {question.key: question.option for question in QUESTIONS}


@click.group()
def config() -> None:
    """Write down what a server is made from."""


@config.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.pass_obj
def import_file(name: str, file: Path, dry_run: bool) -> None:
    """Take over the variables of FILE, which has the form of the specification's .env."""
    stack_file = StackFile(name, ROOT)
    _write(stack_file, _read(file, stack_file), dry_run=dry_run)


@config.command("get")
@click.argument("key")
@click.pass_obj
def get(name: str, key: str) -> None:
    """Print the value of a KEY, or its default; one that is encrypted is not shown."""
    values = StackFile(name, ROOT).values
    if key not in values:
        raise OperatorError(f"{key} has no value, or is no key. README.md lists all keys.")
    value = values[key]
    click.echo("(encrypted)" if isinstance(value, dict) else _listed(value) if isinstance(value, list) else value)


@config.command()
@click.option("--domain", default=None, help="Domain of the server.")
@click.option("--email", default=None, help="Mail address for the certificate authority.")
@click.option("--admin-username", "adminUsername", default=None, help="Name of the panel's first account.")
@click.option("--tls", default=None, help="internal, acme or files.")
@click.option("--mode", default=None, help="full or minimal.")
@click.option("--import", "source", type=click.Path(path_type=Path), default=None,
              help="File of variables to take over; .env of the project, if there is one, for a new server.")
@click.option("--unattended", is_flag=True, help="Ask nothing; what must be told is then told by flag or environment.")
@click.pass_obj
def ask(name: str, /, source: Path | None, unattended: bool, **flags: str | None) -> None:
    """Ask for what a server on this machine needs, and write it; what is settled already is kept."""
    stack_file = StackFile(name, ROOT)
    given = _told(stack_file, source, flags)
    values = questions.chosen(stack_file) | {key: item.value for key, item in given.items()}
    if unattended:
        questions.refuse_missing(values)
    given |= questions.of_this_machine(stack_file, values)
    if not stack_file.is_settled:
        given |= questions.answers(stack_file, given, values, None if unattended else _prompt, click.echo)
    stack_file.judge(given)
    target = Target.of(name, stack_file.values | {key: item.value for key, item in given.items()})
    _refuse_machine(target)
    _write(stack_file, given)
    if names := public_names(target):
        click.echo(f"These names must lead to this machine when the server starts: {', '.join(names)}.")


def _listed(value: list[object]) -> str:
    return ",".join(item if isinstance(item, str) else json.dumps(item) for item in value)


def _told(file: StackFile, source: Path | None, flags: Mapping[str, str | None]) -> dict[str, Given]:
    """Return what was told without a question: by a file, over that by the environment, over that by flags."""
    if source is None and not file.is_settled and (ROOT / ".env").exists():
        source = ROOT / ".env"
    told = _read(source, file) if source else {}
    if not file.is_settled:
        # A shell's TZ or LOG_LEVEL is for something else, mostly, and shall not change a server that runs.
        told |= variables.from_environment(os.environ, file.schema)
    return told | {key: variables.given(key, text, _FLAGS[key], file.schema)
                   for key, text in flags.items() if text is not None}


def _prompt(text: str, proposal: str) -> str:
    answer: str = click.prompt(text, default=proposal or None)
    return answer


def _read(source: Path, file: StackFile) -> dict[str, Given]:
    found = dotenv.read(source)
    told = variables.from_file(str(source), found, file.schema)
    for variable in sorted(NOT_TAKEN.keys() & found.keys()):
        click.echo(f"{variable} is not taken over: {NOT_TAKEN[variable]}.")
    return told


def _write(file: StackFile, given: Mapping[str, Given], *, dry_run: bool = False) -> None:
    changes = file.changes(given)
    file.judge(given)
    for key, item in changes.items():
        click.echo(f"  {key}: {item.value} ({item.origin})")
    if not changes:
        click.echo(f"{file.path.name} is as it shall be; nothing was written.")
    elif dry_run:
        click.echo(f"This is what would change in {file.path.name}.")
    else:
        file.write(changes)
        click.echo(f"{file.path.name} is written. `make up` brings the server to it.")


def _refuse_machine(target: Target) -> None:
    """Refuse now what would end the deploy after minutes of builds."""
    if "wireguard" in target.running and not TUN.exists():
        raise OperatorError(f"{TUN} is not there, but WireGuard needs it. Run `sudo modprobe tun`, ask the provider of "
                            "this machine for it, or choose --mode minimal.")
    socket = Path(target.docker_host.removeprefix("unix://"))
    if socket.exists() and not (os.access(socket, os.W_OK) and shutil.which("docker")):
        return  # The deploy asks, when this user may and the program is there.
    for fault in preflight.port_faults(target, Engine(target.docker_host) if socket.exists() else None):
        raise OperatorError(fault)
