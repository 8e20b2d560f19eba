"""`ops hosts ...`: which servers a fleet has, and whether users are told of them."""

import json
import re
from typing import Any
from urllib.parse import quote

import click

from .. import output, preflight
from ..configuration.stack_file import StackFile
from ..configuration.variables import Given
from ..docker import Engine
from ..errors import OperatorError
from ..operations.words import table
from ..panel import Panel
from ..stack import Stack
from ..target import ROOT, Target
from ..unfinished import refuse_unfinished
from . import leaving
from .hosts import KEY, MAIN, Host, of, one, read
from .reach import ask

_KEY_FILE = "/etc/ssh/ssh_host_ed25519_key.pub"
_HEAD = ("HOST", "DOMAIN", "ENGINE", "STATE")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_ssh_address = click.option("--ssh-address", metavar="HOST[:PORT]", default="",
                            help="Where the panel's host finds its SSH server, if not where its engine's address says.")
_host_key = click.option("--host-key", metavar="KEY", default="",
                         help=f"A line of its {_KEY_FILE}, if it shall not be read there.")


@click.group()
def hosts() -> None:
    """Show and change the servers of a fleet; the panel's own is called main."""


@hosts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines for people.")
@click.pass_obj
def list_hosts(name: str, as_json: bool) -> None:
    """List all servers, and whether each engine answers."""
    target = Target.read(name)
    every = [Host(name=MAIN, docker_host=target.docker_host, domain=target.domain), *read(name)]
    found = ask(every)
    rows = [{"name": host.name, "domain": host.domain, "dockerHost": host.docker_host,
             "fault": found.away.get(host, "")} for host in every]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    output.show(table([_HEAD, *((row["name"], row["domain"], row["dockerHost"], "away" if row["fault"] else "answers")
                                for row in rows)]))
    for row in rows:
        if row["fault"]:
            click.echo(f"! {row['name']}: {row['fault']}")


@hosts.command()
@click.argument("host")
@click.argument("address", metavar="ssh://USER@HOST")
@click.option("--domain", required=True, help="Domain of its own.")
@_ssh_address
@_host_key
@_yes
@click.pass_context
def add(context: click.Context, /, host: str, address: str, domain: str, ssh_address: str, host_key: str,
        yes: bool) -> None:
    """Add a server to the fleet and deploy it."""
    file = _ready(context)
    entries = _entries(file)
    entry = _entry(host, address, domain, ssh_address, host_key)
    _change(context, file, [*entries, entry], f"Add {host}, and deploy?", yes)


@hosts.command()
@click.argument("host")
@_yes
@click.pass_context
def remove(context: click.Context, /, host: str, yes: bool) -> None:
    """Take a server out for good: all that was made there goes, its data too, as far as it can be reached."""
    file = _ready(context)
    gone = one(read(context.obj), host)
    _change(context, file, [entry for entry in _entries(file) if entry["name"] != host],
            f"Take {host} out for good, with all that was made there, and deploy?", yes, gone)


@hosts.command()
@click.argument("host")
@click.argument("address", metavar="ssh://USER@HOST")
@click.option("--domain", default="", help="Another domain, as after a block by name; else it keeps its own.")
@_ssh_address
@_host_key
@_yes
@click.pass_context
def replace(context: click.Context, /, host: str, address: str, domain: str, ssh_address: str, host_key: str,
            yes: bool) -> None:
    """Put another machine in a server's place, with keys of its own; the old one need not answer."""
    file = _ready(context)
    gone = one(read(context.obj), host)
    entry = _entry(host, address, domain or gone.domain, ssh_address, host_key)
    _change(context, file, [entry if old["name"] == host else old for old in _entries(file)],
            f"Put {address} in the place of {host} at {gone.docker_host}, where all that was made goes, and deploy?",
            yes, gone)


def _drain(command: str, is_drained: bool, help_text: str, done: str) -> None:
    @hosts.command(command, help=help_text)
    @click.argument("host")
    @click.pass_obj
    def act(name: str, host: str) -> None:
        target = Target.read(name)
        if host != MAIN:
            one(read(name), host)
        Panel(Engine(target.docker_host)).call("PUT", f"/hosts/{quote(host, safe='')}", {"drained": is_drained})
        click.echo(f"{host} {done}")


_drain("drain", True, "Tell users of a server no more; who is on it stays.",
       "is told to no user any more. Apps go elsewhere once they have loaded their link again.")
_drain("undrain", False, "Tell users of a server again.", "is told to users again.")


def _ready(context: click.Context) -> StackFile:
    """Return the stack's file, which may be changed now."""
    Target.read(context.obj)
    refuse_unfinished(context.obj)
    return StackFile(context.obj, ROOT)


def _entries(file: StackFile) -> list[dict[str, Any]]:
    of(file.values)  # says it when they are none
    return [dict(entry) for entry in file.values.get(KEY) or []]


def _entry(host: str, address: str, domain: str, ssh_address: str, host_key: str) -> dict[str, str]:
    """Return what the stack's file says of a host, once its engine has answered."""
    if not address.startswith(("ssh://", "unix:///")):
        raise OperatorError(f"{address} is no address of a Docker Engine of another machine. Give one such as "
                            "ssh://deploy@host.example.com.")
    engine = Engine(address)
    preflight.check_version(engine.version())
    entry = {"name": host, "dockerHost": address, "domain": domain, "hostKey": host_key or _key_of(engine)}
    return entry | ({"sshAddress": ssh_address} if ssh_address else {})


def _key_of(engine: Engine) -> str:
    """Return the host's own key, read by the operator's ssh, which knows the host already."""
    said = engine.on_host(f"cat {_KEY_FILE}").stdout.strip()
    if not re.fullmatch(r"ssh-ed25519 \S+( .*)?", said):
        raise OperatorError(f"the host at {engine.host} has no {_KEY_FILE} that this user may read. Make one there "
                            "with `ssh-keygen -A`, or give another of its keys by --host-key.")
    return " ".join(said.split()[:2])


def _change(
    context: click.Context, file: StackFile, entries: list[dict[str, Any]], question: str, yes: bool,
    gone: Host | None = None,
) -> None:
    """Let the fleet have these hosts, and deploy, if they pass and a person agrees; `gone` leaves before."""
    given = {KEY: Given(value=entries, origin=f"ops hosts {context.info_name}")}
    file.judge(given)
    if not yes:
        click.confirm(question, abort=True)
    if gone is not None:
        _leave(context.obj, gone)
    file.write(given)
    _deploy(context)


def _leave(name: str, host: Host) -> None:
    stack = Stack(name, click.echo)
    stack.prepare()
    leaving.take_down(host, name, click.echo)
    count = leaving.forget(stack, host)
    click.echo(f"{count} resources of {host.name} are forgotten.")


def _deploy(context: click.Context) -> None:
    # Here and not above: that module knows this one.
    from ..cli import up
    context.invoke(up)
