"""Where secrets must not be, and how they are brought where they must."""

import posixpath
import re

from policy.allowlists import HASH_LABEL, ONE_SHOT_JOBS, PERMISSIONS, SECRET_PERMISSIONS
from policy.containers import mounts
from policy.making import CRITICAL, HIGH, About, Faults, on_each
from policy.resources import CONTAINER, IMAGE, NETWORK, PROVIDER, VOLUME, Resource
from policy.secrecy import is_secret_name, names_given, shape

# What is judged by name above or by another policy, files' contents, which may be secret, and public hashes.
_ELSEWHERE = re.compile(
    r"__|envs\[|command\[|entrypoints\[|healthcheck\.tests\[|labels\[|build\.args\.|registry\.|sshOpts"
    r"|uploads\[\d+\]\.(content|contentBase64|sourceHash)$|image$|build\.contextDigest$")
# What a page is called, everybody knows; tools put hashes into names.
_PATH = re.compile(r"uploads\[\d+\]\.(file|source)")


@on_each(About(
    name="docker-container-disallow-secret-env",
    description="No secret stands where everybody who may inspect a container reads it.",
    remedy="Bring it by a rendered file, and give the program the file's path.",
    severity=CRITICAL, reference="4.10"), CONTAINER, IMAGE, NETWORK, VOLUME, PROVIDER)
def secret_env(resource: Resource) -> Faults:
    for variable in resource.texts("envs"):
        yield from _variable_faults(variable)
    lines = {"command": resource.texts("command"), "entrypoints": resource.texts("entrypoints"),
             "healthcheck.tests": resource.view("healthcheck").texts("tests")}
    for place, words in lines.items():
        yield from _line_faults(place, words)
    for label in resource.views("labels"):
        yield from _label_faults(label.text("label"), label.text("value") if label.knows("value") else None)
    for place, name, text in resource.all_texts():
        is_path_of_site = resource.service == "site-writer" and _PATH.fullmatch(place)
        if not _ELSEWHERE.match(place) and not is_path_of_site:
            yield from _text_faults(place, name, text)


def _variable_faults(variable: str) -> Faults:
    name, _, value = variable.partition("=")
    if value and is_secret_name(name):
        yield f"envs gives a value to {name}"
    elif found := shape(value):
        yield f"envs gives {name} what looks like {found}"
    else:
        for inner in names_given(value):
            yield f"envs gives {name} a text with a value for {inner}"


def _line_faults(place: str, words: tuple[str, ...]) -> Faults:
    for name in names_given(*words):
        yield f"{place} gives a value to {name}"
    for index, word in enumerate(words):
        if found := shape(word):
            yield f"{place}[{index}] looks like {found}"


def _text_faults(place: str, name: str, text: str) -> Faults:
    if text and is_secret_name(name):
        yield f"{place} gives a value to {name}"
    elif found := shape(text):
        yield f"{place} looks like {found}"
    else:
        for inner in names_given(text):
            yield f"{place} gives a value to {inner}"


def _label_faults(name: str, value: str | None) -> Faults:
    if name == HASH_LABEL:
        return
    if value is None:
        yield f"the label {name} is not known before the deploy, so it may come from a secret"
    elif value and is_secret_name(name):
        yield f"labels give a value to {name}"
    elif found := shape(value):
        yield f"the label {name} looks like {found}"
    else:
        for inner in names_given(value):
            yield f"the label {name} gives a value to {inner}"


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
