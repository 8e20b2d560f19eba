"""What Pulumi's refresh finds changed, told of each property; it is only previewed, and changes not even the state."""

from collections.abc import Iterable, Iterator

from ..events import Step
from ..fleet.hosts import exclusions, read
from ..stack import Stack
from ..verify.promises import DATA_VOLUMES
from .findings import Finding, kind_of, name_of, shown, title, word

HEAL = "`ops drift --heal` brings it back."
_EMPTY = ("`ops drift --heal` makes it anew, but empty. What it held comes back only by "
          "`ops restore latest --replace`.")


def steps(stack: Stack) -> list[Step]:
    """Return what was changed, removed or stopped; raises OperatorError when the engine cannot be asked."""
    # The promises that are joined with it are those of one engine: the panel's own.
    return stack.run("refresh", "--preview-only", *exclusions(read(stack.name))).steps


def findings(found: Iterable[Step]) -> Iterator[Finding]:
    """Tell of each property that differs, or once of a resource that is gone."""
    for step in found:
        kind, name = kind_of(step.kind), name_of(step)
        if step.operation == "delete":
            yield Finding(subject=title(kind, name), property=kind, deployed="there", now="gone",
                          remedy=_EMPTY if name in DATA_VOLUMES else HEAL)
            continue
        for key in step.properties:
            deployed, now = shown(key, step.old), shown(key, step.new)
            yield Finding(subject=title(kind, name), property=word(key), deployed=deployed or "as it was made",
                          now=now or "another", remedy=HEAL)
