"""The commands for people: `ops users ...`, each of them one call of the panel's API."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import click
import segno

from . import output
from .docker import Engine
from .panel import Panel
from .quantities import Moment, Size, shown_minute, shown_size
from .target import Target

MOST_IMPORT_BYTES = 20 * 1024 * 1024
"""What the panel takes of a file."""

_PER_PAGE = 200
_PERIODS = ("none", "day", "week", "month", "year")


@click.group()
@click.option("--json", "as_json", is_flag=True, help="Print what the panel answers, as JSON.")
@click.pass_context
def users(context: click.Context, as_json: bool) -> None:
    """Add, show, change and remove those who may use the server."""
    if as_json:
        output.answer_in_json()
    context.obj = Command(context.obj)


class Command:
    """The panel of a stack, and how its answers are shown."""

    def __init__(self, stack: str) -> None:
        self._stack = stack

    @cached_property
    def panel(self) -> Panel:
        """The panel; raises OperatorError when there is no such stack, once the whole command line was read."""
        return Panel(Engine(Target.read(self._stack).docker_host))

    def show(self, answer: object, text: str) -> None:
        """Print the answer itself, or the text that says the same to people."""
        click.echo(json.dumps(answer, indent=2, ensure_ascii=False) if output.wants_json() else text)


def _limits(command: Any) -> Any:
    """Add the options that `add` and `edit` share."""
    for option in (
        click.option("--quota", "quota_bytes", type=Size(), help="Most traffic in one period, such as 50GB; or none."),
        click.option("--period", "quota_period", type=click.Choice(_PERIODS), help="When the quota begins anew."),
        click.option("--expires", "expires_at", type=Moment(), help="A date, a span such as 30d, or never."),
        click.option("--note", help="Text for the operators."),
        click.option("--without", "closed_protocols", multiple=True, metavar="PROTOCOL",
                     help="Protocol that stays closed; may be repeated.")):
        command = option(command)
    return command


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the options that stand on the command line; also those whose value means none."""
    context = click.get_current_context()
    typed = click.core.ParameterSource.COMMANDLINE
    return {name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items() if context.get_parameter_source(name) is typed}


@users.command()
@click.argument("name")
@_limits
@click.pass_obj
def add(command: Command, /, name: str, **fields: Any) -> None:
    """Add a user and print their link."""
    made = command.panel.call("POST", "/users", {"name": name, **_given(fields)})
    link = command.panel.call("GET", f"/users/{made['id']}/link")
    command.show(made | link, f"{name} may use the server. Their link:\n{link['url']}")


@users.command("list")
@click.option("--search", default="", help="Part of a name or note.")
@click.option("--status", type=click.Choice(["active", "disabled", "expired", "limited"]), help="Only these.")
@click.pass_obj
def list_all(command: Command, search: str, status: str | None) -> None:
    """List the users."""
    query = {"search": search, "page_size": _PER_PAGE, **({"status": status} if status else {})}
    found: list[dict[str, Any]] = []
    while True:
        page = command.panel.call("GET", "/users", page=len(found) // _PER_PAGE + 1, **query)
        found += page["users"]
        if len(found) >= page["total"] or not page["users"]:
            break
    lines = [_HEAD, *map(_row, found)] if found else ["There are no users. Add one with `make add-user USER=alice`."]
    command.show(found, "\n".join(lines))


_COLUMNS = "{:<24} {:<9} {:>10} {:>10} {:<17} {}"
_HEAD = _COLUMNS.format("NAME", "STATUS", "USED", "QUOTA", "EXPIRES", "LAST SEEN")


def _row(user: dict[str, Any]) -> str:
    return _COLUMNS.format(
        user["name"], user["status"], shown_size(user["period_used_bytes"]), shown_size(user["quota_bytes"]),
        shown_minute(user["expires_at"]), "online" if user["is_online"] else shown_minute(user["last_seen_at"]))


@users.command()
@click.argument("name")
@click.pass_obj
def show(command: Command, name: str) -> None:
    """Show all that is known of a user, but no secret."""
    user = command.panel.user(name)
    command.show(user, "\n".join(f"{key + ':':<24} {_word(value)}" for key, value in user.items()))


def _word(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_word, value)) or "-"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str("-" if value is None else value)


@users.command()
@click.argument("name")
@click.option("--name", "new_name", help="Another name.")
@_limits
@click.pass_obj
def edit(command: Command, /, name: str, **fields: Any) -> None:
    """Change what is named, and nothing else."""
    given = _given(fields)
    if "new_name" in given:
        given["name"] = given.pop("new_name")
    if not given:
        raise click.UsageError("nothing to change was named; `ops users edit --help` lists what can be.")
    command.show(command.panel.on_user(name, "PATCH", "", given), f"{name} is changed.")


def _action(name: str, path: str, help_text: str, done: str) -> None:
    """Add a command that does one thing to each of the named users."""
    @users.command(name, help=help_text)
    @click.argument("names", nargs=-1, required=True)
    @click.pass_obj
    def act(command: Command, names: tuple[str, ...]) -> None:
        for user in names:
            command.show(command.panel.on_user(user, "POST", path), f"{user} {done}.")


_action("enable", "/enable", "Let users in again.", "may use the server again")
_action("disable", "/disable", "Shut users out, and cut their connections.", "is shut out")
_action("renew", "/renew-secrets", "Give users new secrets; they must load their link again.", "has new secrets")
_action("revoke", "/revoke-link", "Give users another link; the former one is dead.", "has another link")
_action("reset-usage", "/reset-usage", "Begin the users' quota period now.", "begins a new period")


@users.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def delete(command: Command, names: tuple[str, ...], yes: bool) -> None:
    """Remove users for good, with their secrets and counters."""
    found = [command.panel.user(name) for name in names]
    if not yes:
        click.confirm(f"Remove {', '.join(names)} for good?", abort=True)
    for user in found:
        command.panel.call("DELETE", f"/users/{user['id']}")
        command.show(None, f"{user['name']} is removed.")


@users.command()
@click.argument("name")
@click.option("--qr", is_flag=True, help="Print it as a QR code as well.")
@click.pass_obj
def link(command: Command, name: str, qr: bool) -> None:
    """Print a user's link, which works in every client."""
    found = command.panel.on_user(name, "GET", "/link")
    command.show(found, found["url"])
    if qr:
        segno.make(found["url"], error="m").terminal(compact=True)


@users.command("export")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True,
              help="All that is known, or a table without secrets.")
@click.option("--file", "file", type=click.Path(dir_okay=False, path_type=Path), help="Where to; else the terminal.")
@click.pass_obj
def export_all(command: Command, form: str, file: Path | None) -> None:
    """Write all users with their secrets and counters; keep it like a password."""
    text = command.panel.send("POST", "/export", format=form)
    if file is None:
        click.echo(text, nl=False)
        return
    file.unlink(missing_ok=True)  # an older file could be open to others
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(text, encoding="utf-8")
    click.echo(f"All users are in {file}.")


@users.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--dry-run", is_flag=True, help="Say what would come of it, and change nothing.")
@click.option("--on-clash", type=click.Choice(["refuse", "skip", "replace"]), default="refuse", show_default=True,
              help="What becomes of a name that is there already.")
@click.pass_obj
def import_all(command: Command, file: BinaryIO, dry_run: bool, on_clash: str) -> None:
    """Read users from an export, or from a users.json; all of them, or none if one is wrong."""
    report = json.loads(command.panel.send("POST", "/import", _text(file), dry_run=dry_run, on_clash=on_clash))
    verb = "would be" if dry_run else "are"
    command.show(report, "\n".join([
        f"{report['created']} users {verb} new, {report['replaced']} {verb} replaced, "
        f"{report['skipped']} {verb} skipped.", *report["lacks"]]))


def _text(file: BinaryIO) -> str:
    """Return what a file holds, with its lines as they are."""
    # One more than is taken, so that a device without an end is none here.
    content = file.read(MOST_IMPORT_BYTES + 1)
    if not 0 < len(content) <= MOST_IMPORT_BYTES:
        raise click.UsageError(
            f"{file.name} is empty or larger than {shown_size(MOST_IMPORT_BYTES)}; import users in parts.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name} is no text in UTF-8; save it as such.") from error
