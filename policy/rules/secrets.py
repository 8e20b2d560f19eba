"""Where secrets must not be, and how they are brought where they must."""

import posixpath

from policy.allowlists import HASH_LABEL, ONE_SHOT_JOBS, PERMISSIONS, SECRET_PERMISSIONS
from policy.containers import mounts
from policy.making import CRITICAL, HIGH, About, Faults, on_each
from policy.resources import CONTAINER, Resource
from policy.secrecy import assigned, flags, is_secret_name, shape


@on_each(About(
    name="docker-container-disallow-secret-env",
    description="No secret stands where everybody who may inspect a container reads it.",
    remedy="Bring it by a rendered file, and give the program the file's path.",
    severity=CRITICAL, reference="4.10"), CONTAINER)
def secret_env(container: Resource) -> Faults:
    for variable in container.texts("envs"):
        name, _, value = variable.partition("=")
        if value and is_secret_name(name):
            yield f"envs gives a value to {name}"
        elif found := shape(value):
            yield f"envs gives {name} what looks like {found}"
    lines = {"command": container.texts("command"), "entrypoints": container.texts("entrypoints"),
             "healthcheck.tests": container.view("healthcheck").texts("tests")}
    for place, words in lines.items():
        yield from _line_faults(place, words)
    for label in container.views("labels"):
        yield from _label_faults(label.text("label"), label.text("value") if label.knows("value") else None)


def _line_faults(place: str, words: tuple[str, ...]) -> Faults:
    for name in flags(words):
        yield f"{place} gives a value to {name}"
    for index, word in enumerate(words):
        for name in assigned(word):
            yield f"{place} gives a value to {name}"
        if found := shape(word):
            yield f"{place}[{index}] looks like {found}"


def _label_faults(name: str, value: str | None) -> Faults:
    if name == HASH_LABEL:
        return
    if value is None:
        yield f"the label {name} is not known before the deploy, so it may come from a secret"
    elif value and is_secret_name(name):
        yield f"labels give a value to {name}"
    elif found := shape(value):
        yield f"the label {name} looks like {found}"


@on_each(About(
    name="docker-container-upload-permissions",
    description="One-shot jobs alone bring files: into a volume, for the one user who reads them.",
    remedy="Let components/delivery.py bring it, with 0400, into a volume that the job mounts.",
    severity=HIGH, reference="4.1"), CONTAINER)
def upload_permissions(container: Resource) -> Faults:
    uploads = container.views("uploads")
    if uploads and container.service not in ONE_SHOT_JOBS:
        yield "it brings files of its own, which stay in a layer that it can write"
    allowed = PERMISSIONS.get(container.service, SECRET_PERMISSIONS)
    volumes = [mount.target for mount in mounts(container) if mount.kind == "volume"]
    user = container.text("user")
    for upload in uploads:
        file = upload.text("file")
        if upload.text("permissions") not in allowed:
            yield f"{file} has other permissions than {' or '.join(sorted(allowed))}"
        if upload.flag("executable"):
            yield f"{file} can be run"
        if f"{upload.text('owner')}:{upload.text('group')}" != user:
            yield f"{file} belongs to somebody else than {user}"
        if not any(posixpath.normpath(file).startswith(f"{target}/") for target in volumes):
            yield f"{file} lies in no volume of the job"
        if upload.has("source") and not is_inside(upload.text("source")):
            yield f"{file} comes from outside the project"


def is_inside(path: str) -> bool:
    """Tell whether a path is relative and stays inside the project."""
    return not path.startswith("/") and posixpath.normpath(path).partition("/")[0] != ".."
