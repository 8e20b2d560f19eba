"""`ops rotate`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click

from ..errors import OperatorError
from ..operations.words import span
from ..stack import Stack
from ..target import settings
from ..unfinished import refuse_unfinished
from . import configured, deployed, listing, rotation
from .table import ELSEWHERE, ROTATED_HERE, Secret

_HOURS = {"h": 1, "d": 24, "w": 168}
_OVERLAP = timedelta(days=7)


class Span(click.ParamType["timedelta"]):
    """A length of time such as 7d; nothing from `none`."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the length."""
        if isinstance(value, timedelta) or value == "none":
            return value if isinstance(value, timedelta) else timedelta()
        parts = re.fullmatch(r"([1-9]\d{0,3})([hdw])", str(value))
        if not parts:
            self.fail(f"{value} is no length of time; write it like 12h, 7d or 2w, or none", param, ctx)
        return timedelta(hours=int(parts[1]) * _HOURS[parts[2]])


@click.command()
@click.argument("secret", required=False, shell_complete=lambda _context, _parameter, begun: [
    name for name in sorted(ROTATED_HERE) if name.startswith(begun)])
@click.option("--overlap", type=Span(), metavar="SPAN",
              help="How long the former value stays good, such as 12h, 7d or 2w, or none; by default 7d where both can "
                   "be in force at a time. For one that leaked: none.")
@click.option("--finish", "ends", is_flag=True, help="End an overlap now.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--without-backup", is_flag=True, help="Make no backup before.")
@click.option("--json", "as_json", is_flag=True, help="Without a SECRET: print the list as JSON.")
@click.pass_context
def rotate(context: click.Context, secret: str | None, overlap: timedelta | None, ends: bool, yes: bool,
           without_backup: bool, as_json: bool) -> None:
    """Give SECRET another value, and say who must do what; without one list all, with their ages."""
    stack = Stack(context.obj, click.echo)
    if secret is None:
        _list(stack, as_json)
        return
    row = _chosen(secret)
    if ends:
        _finish(context, stack, row)
        return
    if row.name in _OWN_FILES:
        _rotate_file(stack, row, bool(overlap), yes, without_backup)
        return
    if deployed.is_behind(stack, row.name, settings(stack.name)):
        _go_on(context, stack, row)
        return
    length = overlap if overlap is not None else _OVERLAP if row.overlap else timedelta()
    rotation.refuse(row, settings(stack.name), length)
    _agree(row, length, yes)
    _prepare(stack, without_backup)
    until = rotation.write(stack, row, settings(stack.name), length)
    _deploy(context, row, until)


def _go_on(context: click.Context, stack: Stack, row: Secret) -> None:
    refuse_unfinished(stack.name)
    click.echo(f"A rotation of {row.name} was written and not deployed to its end; going on with that one.")
    _deploy(context, row, configured.overlaps(settings(stack.name)).get(row.name))


def _deploy(context: click.Context, row: Secret, until: datetime | None) -> None:
    _up(context)
    click.echo(f"{row.name} is rotated.{f' The former one is good until {until:%Y-%m-%d %H:%M} UTC.' if until else ''}")
    click.echo(f"{row.who}: {row.then}.")


def _list(stack: Stack, as_json: bool) -> None:
    found = listing.rows(stack, settings(stack.name))
    click.echo(listing.document(found) if as_json else "\n".join(listing.lines(found, datetime.now(UTC))))


def _chosen(name: str) -> Secret:
    for row in ELSEWHERE:
        if row.name == name:
            raise OperatorError(f"{name} is rotated one by one. Run `{row.command}`.")
    if name not in ROTATED_HERE:
        raise OperatorError(f"there is no secret {name}. `ops rotate` lists all.")
    return ROTATED_HERE[name]


def _finish(context: click.Context, stack: Stack, row: Secret) -> None:
    if row.name == "backup-key":
        from . import backup_key
        backup_key.finish(click.echo)
        return
    values = settings(stack.name)
    refuse_unfinished(stack.name)
    stack.prepare()
    rotation.finish(stack, row, values)
    _up(context)
    click.echo(f"The overlap of {row.name} is over; its former value is refused from now on.")


def _agree(row: Secret, overlap: timedelta, yes: bool) -> None:
    click.echo(f"{row.name}: {row.purpose}.")
    click.echo(f"Former value: {f'good for {span(overlap)} more' if overlap else 'refused at once'}.")
    if row.replaces:
        click.echo(f"Replaced, with an end to what goes through them: {', '.join(row.replaces)}.")
    click.echo(f"{row.who}: {row.then}.")
    if not yes:
        click.confirm("Rotate it?", abort=True)


def _prepare(stack: Stack, without_backup: bool) -> None:
    if not stack.is_made():
        raise OperatorError(f"stack {stack.name} has no server with secrets to rotate. Deploy one with `make up`.")
    refuse_unfinished(stack.name)
    stack.prepare()
    if without_backup:
        click.echo("No backup is made before.")
        return
    # Here and not above: the other commands shall not wait for its libraries.
    from ..backup.commands import make
    try:
        make(stack.name)
    except OperatorError as error:
        raise OperatorError(f"{error}\nNothing was rotated. Mend that, or do without by --without-backup.") from error


def _rotate_file(stack: Stack, row: Secret, keeps_former: bool, yes: bool, without_backup: bool) -> None:
    if keeps_former and not row.overlap:
        raise OperatorError(f"{row.name} has no overlap: only one can be in force at a time. Leave --overlap away.")
    click.echo(f"{row.name}: {row.purpose}.\n{row.who}: {row.then}.")
    if not yes:
        click.confirm("Rotate it?", abort=True)
    _prepare(stack, without_backup)
    _OWN_FILES[row.name](stack, keeps_former)
    click.echo(f"{row.name} is rotated.")


def _rotate_passphrase(stack: Stack, _keeps_former: bool) -> None:
    from . import passphrase
    passphrase.rotate(stack, click.echo)


def _rotate_backup_key(_stack: Stack, keeps_former: bool) -> None:
    from . import backup_key
    backup_key.rotate(click.echo, keeps_former=keeps_former)


_OWN_FILES: dict[str, Callable[[Stack, bool], None]] = {
    "passphrase": _rotate_passphrase, "backup-key": _rotate_backup_key}


def _up(context: click.Context) -> None:
    from ..cli import up
    try:
        context.invoke(up)
    except OperatorError as error:
        raise OperatorError(
            f"{error}\nThe configuration is written already: mend that, and run the same again.") from error


COMMANDS: tuple[click.Command, ...] = (rotate,)
