"""Builds the images of a new version before anything that runs is touched.

By docker itself and not by Pulumi: a state with new images beside old containers is one that the policies refuse. The
deploy that follows builds each of them again, finds every step done, and ends with the same image.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..docker import Engine
from ..errors import OperatorError
from ..events import UNKNOWN
from ..operations.rebuild import build_words, fault_of

_BUILDER = "stealth-builder-image"
_ENDING = "-image"


def build(engine: Engine, planned: Mapping[str, Mapping[str, Any]], show: Callable[[str], None]) -> None:
    """Build the images among what a preview would change; raises OperatorError with the last lines of one that fails.

    `planned` has their inputs by name. What depends on the builder's id gets that of the one that was just built.
    """
    names = sorted((name for name in planned if name.endswith(_ENDING)), key=lambda name: (name != _BUILDER, name))
    for name in names:
        show(f"  image {name.removesuffix(_ENDING)} is being built ...")
        if lines := fault_of(engine, build_words(_known(engine, planned, name), anew=False)):
            raise OperatorError(f"image {name.removesuffix(_ENDING)} does not build:\n{lines}")


def _known(engine: Engine, planned: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    inputs = dict(planned[name])
    arguments = (inputs["build"].get("args") or {}).items()
    if any(value == UNKNOWN for _, value in arguments):
        found = engine.ask("image", "inspect", "--format", "{{.Id}}", planned[_BUILDER]["imageName"]).stdout.strip()
        inputs["build"] = inputs["build"] | {
            "args": {key: found if value == UNKNOWN else value for key, value in arguments}}
    return inputs
