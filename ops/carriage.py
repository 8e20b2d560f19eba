"""Brings images from one engine to another, as far as they are missing: `python -m ops.carriage SOURCE TARGET`.

Each line of its input is a name and an id; with a name alone, an image of that name is brought unless there is one.
Commands of the program's call it (components/carriage.py).
"""

import sys
from collections.abc import Callable, Mapping

from .carrying import carry
from .docker import Engine, last_line
from .errors import OperatorError

COMMAND = "command:local:Command"
"""Type of the commands in a state."""

CARRIAGE = "stealth-carriage"
"""What the program calls the one that brings the server's images."""

_AGAIN = "Nothing that runs was changed; mend that, and run the same command again."


def bring(source: Engine, target: Engine, images: Mapping[str, str], show: Callable[[str], None]) -> None:
    """Let a target have images under their ids and names; raises OperatorError, and nothing that runs is changed."""
    lacking = {name: identity for name, identity in images.items() if not target.has_image(identity or name)}
    if lacking:
        _refuse_absent(source, target, lacking)
        _refuse_other_machine(source, target)
        show(f"Carrying {', '.join(map(_short, lacking))} from {source.host} to {target.host} ...")
        if said := carry(source, target, [identity or name for name, identity in lacking.items()], show):
            raise OperatorError(f"the images did not reach {target.host}: {said}. {_AGAIN}")
        _refuse_other_ids(target, lacking)
    for name, identity in images.items():
        if identity and (done := target.ask("tag", identity, name)).returncode != 0:
            raise OperatorError(f"`docker tag {identity} {name}` failed on {target.host}: {last_line(done.stderr)}. "
                                "Look at that engine with `make doctor`.")


def parsed(text: str) -> dict[str, str]:
    """Return ids by name, empty for an image that is known by its name alone."""
    return {name: identity for name, _, identity in (line.partition(" ") for line in text.splitlines()) if name}


def _refuse_absent(source: Engine, target: Engine, images: Mapping[str, str]) -> None:
    source.version()
    for name, identity in images.items():
        if not source.has_image(identity or name):
            how = f"`make rebuild SERVICE={_short(name)}` builds it anew" if identity else "`make setup` makes it"
            raise OperatorError(f"the image of {_short(name)} is neither on {target.host} nor on {source.host}, where "
                                f"it was built: {how}.")


def _refuse_other_machine(source: Engine, target: Engine) -> None:
    here, there = (engine.ask("version", "--format", "{{.Server.Arch}}").stdout.strip() for engine in (source, target))
    if here != there:
        raise OperatorError(f"the images are for {here}, but {target.host} is a machine of {there or 'no known kind'}. "
                            "Deploy from one of the same kind, or let it build them itself with "
                            "`pulumi config set buildOn host`.")


def _refuse_other_ids(target: Engine, images: Mapping[str, str]) -> None:
    for name, identity in images.items():
        if identity and not target.has_image(identity):
            # https://github.com/moby/moby/issues/48401
            raise OperatorError(
                f"the image of {_short(name)} has another id on {target.host} than here. The two engines keep images "
                "in different ways; set `containerd-snapshotter` in /etc/docker/daemon.json alike on both. "
                f"{_AGAIN}")


def _short(name: str) -> str:
    return name.partition("/")[2].partition(":")[0]


def main() -> None:
    """Bring what stands on standard input."""
    try:
        bring(Engine(sys.argv[1]), Engine(sys.argv[2]), parsed(sys.stdin.read()), lambda _: None)
    except OperatorError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
