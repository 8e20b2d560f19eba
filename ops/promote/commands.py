"""`ops pin` and `ops promote`."""

import click

from .. import output
from ..files import write_whole
from ..target import ROOT, Target
from ..update.journal import alone
from .pin import Pin, name_of


@click.command()
@click.argument("stack")
@click.pass_context
def pin(context: click.Context, stack: str) -> None:
    """Write down what a stack runs, once it is found well, so that it can be reviewed and promoted."""
    # Here and not above, like the rest: the other commands shall not wait for all that it needs.
    from .pinning import Pinning
    _work_on(context, stack)
    made = Pinning(stack, click.echo).pin()
    file = ROOT / name_of(stack)
    file.parent.mkdir(exist_ok=True)
    write_whole(file, made.document(), mode=0o644)
    output.add(file=name_of(stack), commit=made.commit, images={name: image.id for name, image in made.images.items()})
    click.echo(f"{name_of(stack)} has the {len(made.images)} images that {stack} runs, of {made.commit[:12]}. "
               "Commit it and have it reviewed; `ops promote` deploys it then.")


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("goal", metavar="TO")
@click.option("--downgrade", is_flag=True, help="Go to a version that is older than the one that runs.")
@click.option("--without-backup", is_flag=True, help="Make no backup of what is there first.")
@click.option("--database-copied", is_flag=True, help="The database at databaseUrl has been copied by hand.")
@click.pass_context
def promote(context: click.Context, source: str, goal: str, downgrade: bool, without_backup: bool,
            database_copied: bool) -> None:
    """Deploy on TO the very images that FROM was pinned with; back to the former ones if anything fails."""
    if source == goal:
        raise click.UsageError("FROM and TO are one stack, and a set is promoted to another one.")
    from .run import Promotion
    _work_on(context, goal)
    Target.read(goal)
    with alone(goal):
        Promotion(Pin.read(source), goal, click.echo).bring(
            downgrade=downgrade, with_backup=not without_backup, database_copied=database_copied)


def _work_on(context: click.Context, stack: str) -> None:
    """Let the stack of the arguments be the one that a JSON document names, whatever --stack says."""
    context.find_root().params["stack"] = stack


COMMANDS: tuple[click.Command, ...] = (pin, promote)
