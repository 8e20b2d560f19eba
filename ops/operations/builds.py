"""Builds images by docker itself, before anything that runs is touched.

Not by Pulumi: a state with new images beside old containers is one that the policies refuse. The deploy that follows
builds each of them again, finds every step done, and ends with the same image.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ..carriage import CARRIAGE, bring
from ..docker import Engine
from ..errors import OperatorError
from ..events import UNKNOWN
from ..target import ROOT, Target

ALSO_OF = {"caddy": ("stealth-site-writer",)}
"""Containers that have a service's image beside its own and its writer's: the policies want all of one image at once.

With `siteDir` only; a pattern of Pulumi's that finds none is none.
"""

_BUILDER = "stealth-builder-image"
_ENDING = "-image"
_SHOWN_LINES = 15


def build(engine: Engine, planned: Mapping[str, Mapping[str, Any]], show: Callable[[str], None]) -> int:
    """Build the images among what a preview would change, and return how many; raises OperatorError if one fails.

    `planned` has their inputs by name. What depends on the builder's id gets that of the one that was just built.
    """
    names = sorted((name for name in planned if name.endswith(_ENDING)), key=lambda name: (name != _BUILDER, name))
    for name in names:
        show(f"  image {name.removesuffix(_ENDING)} is being built ...")
        if lines := fault_of(engine, build_words(_known(engine, planned, name), anew=False)):
            raise OperatorError(f"image {name.removesuffix(_ENDING)} does not build. Mend what its last lines say; "
                                f"what runs was not touched.\n{lines}")
    return len(names)


def builder_of(target: Target, engine: Engine) -> Engine:
    """Return the engine that builds for a server's: itself, or this machine's own."""
    return Engine(target.builder) if target.is_built_elsewhere else engine


def also_for(target: Target) -> tuple[str, ...]:
    """Return what a run for one service must do as well: bring its image, where it is built elsewhere."""
    return (CARRIAGE,) if target.is_built_elsewhere else ()


def build_for(target: Target, engine: Engine, planned: Mapping[str, Mapping[str, Any]],
              show: Callable[[str], None]) -> int:
    """Build like `build`, where the target's images are built, and let its engine have them."""
    builder = builder_of(target, engine)
    count = build(builder, planned, show)
    if builder is not engine:
        names = [inputs["imageName"] for name, inputs in planned.items() if name.endswith(_ENDING) and name != _BUILDER]
        bring(builder, engine, {name: builder.image_id(name) for name in names}, show)
    return count


def _known(engine: Engine, planned: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    inputs = dict(planned[name])
    arguments = (inputs["build"].get("args") or {}).items()
    if any(value == UNKNOWN for _, value in arguments):
        found = engine.image_id(planned[_BUILDER]["imageName"])
        inputs["build"] = inputs["build"] | {
            "args": {key: found if value == UNKNOWN else value for key, value in arguments}}
    return inputs


def fault_of(engine: Engine, words: list[str]) -> str:
    """Build an image by a docker command; return the last lines if that fails, else nothing."""
    process = engine.start(*words)
    lines: deque[str] = deque(maxlen=_SHOWN_LINES)
    try:
        lines.extend(process.stdout or ())
    finally:
        process.kill()
        process.wait()
    return "".join(lines).rstrip() or "no reason was given" if process.returncode != 0 else ""


def build_words(inputs: dict[str, Any], *, anew: bool = True) -> list[str]:
    """Return the docker command that builds an image as the provider does (docker_image_build.go), or anew.

    Paths in the state count from the project's folder. The provider's own build follows, finds each of these steps
    done, and ends with the same image.
    """
    build = inputs["build"]
    words = ["build", *(["--no-cache"] if anew else []), "--progress", "plain", "--provenance=false",
             "--tag", inputs["imageName"], "--file", str(ROOT / build["dockerfile"]), "--platform", build["platform"]]
    for name, value in sorted((build.get("args") or {}).items()):
        words += ["--build-arg", f"{name}={value}"]
    return [*words, str(ROOT / build["context"])]
