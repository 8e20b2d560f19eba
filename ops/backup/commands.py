"""`ops backup` and `ops restore`."""

import time
from dataclasses import replace as with_changes
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import click

from .. import output, stack_file
from ..docker import Engine
from ..errors import OperatorError
from ..panel import Panel
from ..quantities import shown_size
from ..schedule import BACKUP
from ..stack import Stack
from ..target import Target, settings
from ..unfinished import Asked, Begun, Mark
from ..update.journal import Journal
from . import archive, places, room, tool
from .repository import Repository, Snapshot
from .restoring import Restore


@click.group(invoke_without_command=True)
@click.pass_context
def backup(context: click.Context) -> None:
    """Back the whole server up, encrypted, while it runs; then remove the backups that are too old."""
    if context.invoked_subcommand is None:
        make(context.obj)


@backup.command("list")
@click.option("--within", type=click.IntRange(1), metavar="HOURS",
              help="Exit code 1 unless this stack has a backup that is no older; for monitoring.")
@click.pass_obj
def list_all(name: str, within: int | None) -> None:
    """List the backups of all stacks, the oldest first."""
    tool.bring()
    repository = places.configured(settings(name))
    repository.open()
    found = repository.snapshots()
    output.add(backups=[{"id": item.id, "stack": item.stack, "made_at": item.made_at.isoformat(),
                         "size_bytes": item.size_bytes} for item in found])
    click.echo(f"{'SNAPSHOT':<10} {'STACK':<12} {'MADE AT (UTC)':<20} SIZE")
    for item in found:
        click.echo(f"{item.id:<10} {item.stack:<12} {item.made_at:%Y-%m-%d %H:%M:%S}  {shown_size(item.size_bytes)}")
    oldest = datetime.now(UTC) - timedelta(hours=within or 0)
    if within and not any(item.stack == name and item.made_at > oldest for item in found):
        raise OperatorError(f"{name} has no backup of the last {within} h. Run `make backup`, and read what it says.")


@backup.command("schedule")
@click.option("--at", "at", default="03:30", show_default=True, metavar="HH:MM", help="When, by this machine's clock.")
@click.option("--off", is_flag=True, help="Make none by themselves any more.")
@click.pass_obj
def plan(name: str, at: str, off: bool) -> None:
    """Let this machine make a backup each day, by systemd or cron."""
    target = Target.read(name)
    click.echo(BACKUP.remove(name) if off else BACKUP.add(name, at))
    _tell_panel(Engine(target.docker_host), is_scheduled=not off)


@click.command()
@click.argument("where", default=places.LATEST)
@click.option("--replace", is_flag=True, help="Put the backup in the place of the server that is here.")
@click.option("--without-backup", is_flag=True, help="With --replace: make no last backup of what is here.")
@click.option("--keep-data", is_flag=True, help="Keep users and certificates that are here: only the state was lost.")
@click.option("--engine", "host", default="", metavar="ADDRESS", help="Engine to restore to, if not the former one.")
@click.option("--credentials-file", default="", metavar="FILE", help="Opens an S3 place that the stack does not name.")
@click.pass_context
def restore(context: click.Context, where: str, replace: bool, without_backup: bool, keep_data: bool, host: str,
            credentials_file: str) -> None:
    """Put a server back from WHERE: a snapshot, a place of backups, or PLACE@SNAPSHOT; the latest by default.

    The same command again finishes a restore that was cut short.
    """
    began, mark = time.monotonic(), Mark(context.obj)
    asked = Asked(where=places.whole(where), engine=host, keeps_data=keep_data)
    before = mark.read()
    if before and before.asked == asked and before.is_placed:
        click.echo(f"An earlier run has put back all of {before.snapshot}, and was cut short in its deploy.")
    else:
        source = _chosen(context.obj, where, credentials_file, before if before and before.asked == asked else None)
        _place(mark, asked, source, may_replace=replace or keep_data,
               backs_up=replace and not without_backup)
    if update := Journal.read(context.obj):
        # Of the server that it was an update of nothing is left.
        update.forget()
    click.echo("State, certificates and users are back. Deploying the server ...")
    from ..cli import up
    context.invoke(up)
    click.echo(f"Restored after {time.monotonic() - began:.0f} s.")


def make(name: str, *, forgets: bool = True) -> str:
    """Make a backup, read it back, and remove those that are too old, unless one of them is to be restored.

    Returns its number.
    """
    # Here and not above: the other commands shall not wait for its libraries.
    from . import contents
    began = time.monotonic()
    tool.bring()
    values = settings(name)
    repository, target = places.configured(values), Target.read(name)
    engine = Engine(target.docker_host)
    engine.version()
    stack = Stack(name, click.echo)
    if not stack.is_made():
        raise OperatorError(f"stack {name} has no server to back up. Deploy one with `make up`.")
    repository.make(click.echo)

    def write(stream: IO[bytes]) -> None:
        contents.gather(stack, engine, archive.Writer(stream, contents.about(name)))

    snapshot = repository.store(name, write)
    # Only what could be restored counts.
    with repository.reading(snapshot) as stream:
        read = archive.read(stream)
    _tell_panel(engine, is_scheduled=BACKUP.stands(name), size_bytes=read.size_bytes)
    gone = repository.forget(name, keep) if forgets and (keep := places.keep(values)) else 0
    output.add(id=snapshot, repository=repository.address, users_bytes=read.store_bytes, removed=gone)
    click.echo(f"Backed up {name} as {snapshot} to {repository.address} in {time.monotonic() - began:.0f} s: "
               f"{shown_size(read.store_bytes)} of users, read back and whole; {gone} old backups removed.")
    if _is_here(repository, target):
        click.echo("They lie on the server's own machine: name another place by `pulumi config set backupTarget`.")
    return snapshot


def _chosen(name: str, where: str, credentials_file: str, before: Begun | None) -> tuple[Repository, Snapshot]:
    """Return the backup that is meant; of a restore that was cut short it is the one that this began with."""
    tool.bring()
    place, snapshot = places.split(where)
    if before:
        repository, snapshot = places.at(before.address, before.credentials_file), before.snapshot
    # A folder on the command line counts from where it is typed, one of the configuration from the project.
    elif place:
        repository = places.at(place, credentials_file, root=Path.cwd())
    else:
        repository = places.configured(settings(name))
    repository.open()
    return repository, places.choose(repository.snapshots(), snapshot, name, repository)


def _place(mark: Mark, asked: Asked, source: tuple[Repository, Snapshot], *, may_replace: bool,
           backs_up: bool) -> None:
    """Put back all but what a deploy makes; nothing is changed before all of the backup was read and judged."""
    repository, snapshot = source
    click.echo(f"Reading the backup {snapshot.id} of {snapshot.made_at:%Y-%m-%d %H:%M} UTC ...")
    found = Restore.read(repository, snapshot)
    stack, engine = Stack(snapshot.stack, click.echo), Engine(asked.engine or found.docker_host)
    engine.version()
    found.refuse_other_passphrase()
    things, before = room.look(engine), mark.read()
    is_rest = before is not None and before.left_a_part_on(engine.host) and not room.serves(engine, stack)
    room.refuse(things, stack, engine, may_replace=may_replace or is_rest)
    if backs_up and things and not is_rest:
        make(stack.name, forgets=False)
    begun = Begun(asked=asked, address=repository.address, credentials_file=str(repository.credentials_file or ""),
                  snapshot=snapshot.id, docker_host=engine.host)
    mark.write(begun)
    try:
        room.clear(things, stack, engine)
        _put(found, stack, engine, asked.engine, keep_data=asked.keeps_data)
    except OperatorError as error:
        raise OperatorError(f"{error}\nThe restore has begun and is not complete: mend that, and run the same command "
                            "again.") from error
    mark.write(with_changes(begun, is_placed=True))


def _put(found: Restore, stack: Stack, engine: Engine, host: str, *, keep_data: bool) -> None:
    found.put_files()
    stack.prepare()
    if host:
        stack_file.change(stack, [("config", "set", "dockerHost", host)])
    found.put_state(stack, host)
    if not keep_data:
        found.put_volumes(engine)


def _tell_panel(engine: Engine, **said: object) -> None:
    """Tell the panel, which warns when backups stop; a backup is as good without."""
    try:
        Panel(engine).call("PUT", "/backup", said)
    except OperatorError as error:
        click.echo(f"The panel was not told, and may warn that no backup was made: {error}")


def _is_here(repository: Repository, target: Target) -> bool:
    return target.is_local and not repository.address.startswith(("s3:", "sftp:"))


COMMANDS: tuple[click.Command, ...] = (backup, restore)
