"""`ops update` and `ops rollback`."""

import click

from ..backup.commands import restore
from ..errors import OperatorError
from .journal import BACK, Journal, alone
from .run import Run

_without_backup = click.option("--without-backup", is_flag=True, help="Make no backup of what is here first.")


@click.command()
@click.option("--to", "version", default="", metavar="VERSION", help="Tag, branch or commit, if not the newest.")
@click.option("--no-pull", is_flag=True, help="Take what is checked out here, and fetch nothing.")
@click.option("--downgrade", is_flag=True, help="Go to a version that is older than the one that runs.")
@_without_backup
@click.option("--database-copied", is_flag=True, help="The database at databaseUrl has been copied by hand.")
@click.option("--continue", "goes_on", is_flag=True, help="Go on with an update, or a way back, that was interrupted.")
@click.pass_obj
def update(name: str, version: str, no_pull: bool, downgrade: bool, without_backup: bool, database_copied: bool,
           goes_on: bool) -> None:
    """Bring the server to the newest version, one service at a time; back to the former one if anything fails."""
    if version and no_pull:
        raise click.UsageError("--to names what to take and --no-pull what is there: only one can be.")
    with alone(name):
        run = Run(name, click.echo)
        if goes_on:
            found = Journal.read(name)
            if found is None:
                raise OperatorError("no update was interrupted. `ops update` begins one.")
            run.go_on(found)
            return
        run.begin(version, pull=not no_pull, downgrade=downgrade, with_backup=not without_backup,
                  database_copied=database_copied)


@click.command()
@click.argument("file", required=False)
@_without_backup
@click.pass_context
def rollback(context: click.Context, file: str | None, without_backup: bool) -> None:
    """Go back to what ran before the last update; with FILE, a backup as for `ops restore`, to what was then."""
    name: str = context.obj
    if file:
        context.invoke(restore, where=file, replace=True, without_backup=without_backup)
        return
    with alone(name):
        run = Run(name, click.echo)
        if found := Journal.read(name):
            run.go_on(found.at(BACK, "that was wished"))
            return
        run.undo(with_backup=not without_backup)


COMMANDS: tuple[click.Command, ...] = (update, rollback)
