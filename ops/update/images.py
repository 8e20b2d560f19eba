"""The images of before: kept on the engine by a name, and put back into the state, so that a return builds nothing."""

import json
from typing import Any

from ..docker import Engine, last_line
from ..errors import OperatorError

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
        name = entry["inputs"]["imageName"].rpartition(":")[0]
        _ask(engine, "tag", entry["outputs"]["repoDigest"], f"{name}:{tag}")


def drop(engine: Engine, export: str, tag: str) -> None:
    """Take that name from the images of a state; an image that has no other name is the cleanup's then."""
    for entry in of(export).values():
        engine.ask("rmi", "--no-prune", f"{entry['inputs']['imageName'].rpartition(':')[0]}:{tag}")


def put_back(engine: Engine, former: str, export: str) -> str:
    """Return the present state with the images of a former one, whose names lead to them again.

    With the sources of before they are no change, and every container that was made of another image is one. An image
    that is gone from the engine stays as it is, and the next run builds it.
    """
    state, before = json.loads(export), of(former)
    for entry in state["deployment"].get("resources") or []:
        image = before.get(entry["urn"])
        if image is None or entry.get("delete") or not engine.has_image(image["outputs"]["repoDigest"]):
            continue
        entry["inputs"], entry["outputs"] = image["inputs"], image["outputs"]
        _ask(engine, "tag", image["outputs"]["repoDigest"], image["inputs"]["imageName"])
    return json.dumps(state)


def _ask(engine: Engine, *words: str) -> None:
    done = engine.ask(*words)
    if done.returncode != 0:
        raise OperatorError(f"`docker {' '.join(words)}` failed: {last_line(done.stderr)}. "
                            "Run `make up`, which makes the images that are missing, and update again.")
