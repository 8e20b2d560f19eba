"""`python -m ops.ci STEP`: what the targets `make ci-...` run; people have better commands."""

import sys

import click

from .. import output
from . import dependencies as pins
from . import drifting, place, rebuilding, visit
from .hidden import Hidden
from .report import Report
from .run import Ops


@click.group(cls=output.Commands)
@click.option("--stack", envvar="STACK", default="", help="Stack to work on; required but for `dependencies`.")
@click.pass_context
def main(context: click.Context, stack: str) -> None:
    """Run one step of a delivery pipeline."""
    context.obj = stack


@main.command()
@click.pass_obj
def preview(name: str) -> None:
    """Write what a deploy of this checkout would change to ci-out/preview.md."""
    ops = _ready(name)
    code = ops.run("preview")
    Report("preview.md").write(f"Preview of `{name}`", ops.said[1:], (
        "**The preview failed:** a deploy of this would be refused." if code else
        "What is secret stands as `[secret]` or `[hidden]`; addresses go without their paths."))
    _end(code)


@main.command()
@click.pass_obj
def deploy(name: str) -> None:
    """Deploy this checkout, compare what runs with what was promised, and probe it."""
    ops = _ready(name)
    code = ops.until_one_fails(("up",), ("verify",), *visit.probes(name))
    Report("deploy.md").write(f"Deploy of `{name}`: {'done' if code == 0 else 'failed'}", ops.said)
    _end(code)


@main.command()
@click.pass_obj
def e2e(name: str) -> None:
    """Run each service's check, and visit the server from here as strangers, operators and users do."""
    ops = _ready(name)
    code = ops.until_one_fails(("health",))
    if code == 0:
        visit.visit(name, ops.say)
    _end(code)


@main.command()
@click.pass_obj
def drift(name: str) -> None:
    """Say what was changed on the server outside the code; exit code 3 if anything was."""
    _end(drifting.drift(_ready(name), Report("drift.md")))


@main.command()
@click.pass_obj
def rebuild(name: str) -> None:
    """Build every image anew on the base image of this machine, replace the services, and verify."""
    ops = _ready(name)
    rebuilding.hand_over(name, ops.say)
    code = ops.until_one_fails(("rebuild",), ("verify",))
    Report("rebuild.md").write(f"Rebuild of `{name}`: {'done' if code == 0 else 'failed'}", ops.said)
    _end(code)


@main.command()
def dependencies() -> None:
    """Raise the pins that a machine may raise, in the work tree, and write what they were to ci-out/."""
    pins.update(Report("dependencies.md"), click.echo)


def _ready(name: str) -> Ops:
    place.enter()
    stack = place.existing(name)
    return Ops(name, Hidden.of(stack), click.echo)


def _end(code: int) -> None:
    sys.exit(code)


if __name__ == "__main__":
    main(prog_name="ops.ci")
