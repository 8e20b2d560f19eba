"""The images of before: kept on the engine by a name, and put back into the state, so that a return builds nothing."""

import json
from typing import Any

from components.ssh import is_ssh

from ..docker import Engine, last_line
from ..errors import OperatorError

_BUILDER = "stealth-vpn/builder:local"
_IMAGE = "docker:index/image:Image"
UNDER_WAY, PREVIOUS = "before-this-update", "previous"
"""Names of the images of before an update that has not ended, and of before the last one that has."""


def of(export: str) -> dict[str, dict[str, Any]]:
    """Return what a state holds of each image, by its URN."""
    resources = json.loads(export)["deployment"].get("resources") or []
    return {entry["urn"]: entry for entry in resources if entry["type"] == _IMAGE and not entry.get("delete")}


def identity(export: str, service: str) -> str:
    """Return the id of a service's image by a state."""
    return str(_of_service(export, service)["outputs"]["repoDigest"])


def inputs(export: str, service: str) -> dict[str, Any]:
    """Return what a service's image was built of by a state."""
    found: dict[str, Any] = _of_service(export, service)["inputs"]
    return found


def _of_service(export: str, service: str) -> dict[str, Any]:
    name = f"stealth-vpn/{service}:local"
    return next(entry for entry in of(export).values() if entry["inputs"]["imageName"] == name)


def keep(engine: Engine, export: str, tag: str) -> None:
    """Give the images of a state a name that no build takes over and no cleanup removes."""
    for entry in of(export).values():
        if _is_elsewhere(engine, entry):
            continue
        name = entry["inputs"]["imageName"].rpartition(":")[0]
        _ask(engine, "tag", entry["outputs"]["repoDigest"], f"{name}:{tag}")


def keep_there(builder: Engine, export: str, tag: str) -> None:
    """Do the same on an engine that builds for another, as far as it still has them."""
    for entry in of(export).values():
        builder.ask("tag", entry["outputs"]["repoDigest"], f"{entry['inputs']['imageName'].rpartition(':')[0]}:{tag}")


def drop(engine: Engine, export: str, tag: str) -> None:
    """Take that name from the images of a state; an image that has no other name is the cleanup's then."""
    for entry in of(export).values():
        engine.ask("rmi", "--no-prune", f"{entry['inputs']['imageName'].rpartition(':')[0]}:{tag}")


def put_back(engine: Engine, former: str, export: str, builder: Engine | None = None) -> str:
    """Return the present state with the images of a former one, whose names lead to them again.

    With the sources of before they are no change, and every container that was made of another image is one. An image
    that is gone from the engine stays as it is, and the next run builds it. The builder's is where it is used.
    """
    state, before = json.loads(export), of(former)
    for entry in state["deployment"].get("resources") or []:
        image = before.get(entry["urn"])
        holder = builder if builder is not None and image is not None and _is_builder(image) else engine
        if image is None or entry.get("delete") or not holder.has_image(image["outputs"]["repoDigest"]):
            continue
        entry["inputs"], entry["outputs"] = image["inputs"], image["outputs"]
        words = ("tag", image["outputs"]["repoDigest"], image["inputs"]["imageName"])
        _ask(holder, *words)
        if builder is not None and builder.host != holder.host:
            builder.ask(*words)  # the next build finds its name there, if it is there
    return json.dumps(state)


def _is_builder(entry: dict[str, Any]) -> bool:
    return str(entry["inputs"]["imageName"]) == _BUILDER


def _is_elsewhere(engine: Engine, entry: dict[str, Any]) -> bool:
    """Tell whether it is the builder's image of an engine that others build for."""
    return is_ssh(engine.host) and _is_builder(entry) and not engine.has_image(entry["outputs"]["repoDigest"])


def _ask(engine: Engine, *words: str) -> None:
    done = engine.ask(*words)
    if done.returncode != 0:
        raise OperatorError(f"`docker {' '.join(words)}` failed: {last_line(done.stderr)}. "
                            "Run `make up`, which makes the images that are missing, and update again.")
