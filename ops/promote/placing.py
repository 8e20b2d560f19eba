"""Puts carried images into a stack's state as if they had been built for it, so that the program builds none.

An image is compared by its inputs alone (decision 0004): with those that the program has now, no change is found, and
the id beside them is the one that every container gets. That is how an update goes back (update/images.py), with the
images of another stack.
"""

import copy
import json
import os
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import OperatorError
from .pin import BUILDER, Pin, short

_IMAGE = "docker:index/image:Image"
# By these Pulumi marks a secret in JSON; one in clear is encrypted by the import (pulumi/pkg/resource/stack).
_SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
_BUILDER_ARGUMENT = "BUILDER_ID"

Inputs = Mapping[str, Any]


def ids(export: str) -> dict[str, str]:
    """Return the id of each image in a state, by service."""
    return {service_of(entry["inputs"]): str(entry["outputs"].get("repoDigest", ""))
            for entry in _images(json.loads(export))}


def sources(export: str, planned: Mapping[str, Inputs]) -> dict[str, Inputs]:
    """Return what the program here builds each image of, by service: as a preview told it, or as the state has it."""
    found = {service_of(entry["inputs"]): entry["inputs"] for entry in _images(json.loads(export))}
    for name, inputs in planned.items():
        if name.endswith("-image"):
            service = name.removeprefix("stealth-").removesuffix("-image")
            if inputs:
                found[service] = inputs
            else:
                found.pop(service, None)
    return found


def refuse_other_sources(pin: Pin, found: Mapping[str, Inputs]) -> None:
    """Raise OperatorError unless the program here would build the pinned images, and no others, of the same files."""
    if lone := sorted(found.keys() ^ pin.images.keys()):
        raise OperatorError(f"the program here has other images than {pin.stack} had: {', '.join(lone)}. "
                            f"Check out {pin.commit[:12]}, of which the set was made.")
    for service, inputs in sorted(found.items()):
        build = inputs["build"]
        if build["platform"] != pin.platform:
            raise OperatorError(f"the pinned images are for {pin.platform}, but here they would be for "
                                f"{build['platform']}. Promote from a machine of the same kind.")
        if build["contextDigest"] != pin.images[service].source:
            raise OperatorError(
                f"the files of the image {service} are not those of the pinned one, although the commit is: their "
                f"modes count too. Promote from a fresh clone, made with the umask 022, and pin from one as well.")


def placed(export: str, pin: Pin, found: Mapping[str, Inputs], services: Collection[str]) -> str:
    """Return a state in which these images are the pinned ones; raises OperatorError if it has no image at all."""
    state = json.loads(export)
    resources = state["deployment"].get("resources") or []
    entries = {service_of(entry["inputs"]): entry for entry in _images(state)}
    if BUILDER not in entries:
        raise OperatorError("the state has no images yet, to which those of another stack could be added. "
                            "Deploy the stack once with `make up`, and promote then.")
    for service in sorted(services):
        if service not in entries:
            entries[service] = _another(entries[BUILDER], service)
            resources.insert(resources.index(entries[BUILDER]) + 1, entries[service])
        _become(entries[service], _with_builder(found[service], pin), pin.images[service].id)
    return json.dumps(state)


def service_of(inputs: Inputs) -> str:
    """Return whose image it is, by its name such as stealth-vpn/xray:local."""
    return str(inputs["imageName"]).partition("/")[2].partition(":")[0]


def refuse_others(pin: Pin, running: Mapping[str, str]) -> None:
    """Raise OperatorError unless each service runs the pinned image, by the ids that its engine tells."""
    for service, identity in sorted(running.items()):
        wanted = pin.images[service].id if service in pin.images else ""
        if identity != wanted:
            raise OperatorError(f"{service} runs the image {short(identity)}, and not {short(wanted)}, "
                                f"which was pinned on {pin.stack}.")


def _images(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in state["deployment"].get("resources") or []
            if entry["type"] == _IMAGE and not entry.get("delete")]


def _with_builder(inputs: Inputs, pin: Pin) -> dict[str, Any]:
    """Return the inputs as the program will give them once the builder is the pinned one."""
    build = dict(inputs["build"])
    arguments = dict(build.get("args") or {})
    if _BUILDER_ARGUMENT in arguments:
        arguments[_BUILDER_ARGUMENT] = pin.images[BUILDER].id
        build["args"] = arguments
    return {**inputs, "build": build}


def _another(template: dict[str, Any], service: str) -> dict[str, Any]:
    """Return an entry beside that of the builder, of the same parent and provider."""
    entry = copy.deepcopy(template)
    head = str(entry["urn"]).rpartition("::")[0]
    entry["urn"] = f"{head}::stealth-{service}-image"
    return entry


def _become(entry: dict[str, Any], inputs: dict[str, Any], identity: str) -> None:
    """Let an entry be as the provider leaves it after a build (toolchain/providers/docker_image.go)."""
    build, name = inputs["build"], inputs["imageName"]
    entry["id"], entry["inputs"] = name, inputs
    entry["outputs"] = {
        **entry["outputs"], "baseImageName": name, "imageName": name, "repoDigest": identity,
        "context": build["context"], "dockerfile": os.path.relpath(build["dockerfile"], build["context"]),
        "platform": build["platform"], "__inputs": {**_SECRET, "plaintext": json.dumps(inputs)}}
