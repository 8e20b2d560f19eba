"""Which images run, and what they are built from."""

import re

from policy.allowlists import BUILD_ARGUMENTS, IMAGE_FOLDERS, REGISTRIES
from policy.making import CRITICAL, HIGH, About, Faults, on_each
from policy.resources import CONTAINER, IMAGE, REGISTRY_IMAGE, REMOTE_IMAGE, Resource
from policy.rules.secrets import is_inside
from policy.secrecy import is_secret_name, names_given, shape
from policy.view import View

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# The one argument that is not known before the builder is built.
_MADE = "BUILDER_ID"
_FOLDER = {"context": re.compile(IMAGE_FOLDERS), "dockerfile": re.compile(f"({IMAGE_FOLDERS})/Dockerfile")}
_ARGUMENTS = ("args", "buildArgs", "buildArg")


@on_each(About(
    name="docker-image-pinned-digest",
    description="A container runs the very image that this deploy has built, by its id.",
    remedy="Use the id that components/images.py gives, and let no registry be involved.",
    severity=CRITICAL, reference="4.2, 4.5, 5.28"), CONTAINER, REMOTE_IMAGE, REGISTRY_IMAGE)
def pinned_digest(resource: Resource) -> Faults:
    key = "image" if resource.kind == CONTAINER else "name"
    # An image that is yet to be built has no id in a preview; the update looks again.
    if resource.kind == CONTAINER and not resource.knows(key):
        return
    name, _, digest = resource.text(key).rpartition("@")
    if not _DIGEST.fullmatch(digest):
        yield f"its {key} is {resource.text(key) or 'empty'}, which may be another image tomorrow"
    elif name and _registry(name) not in REGISTRIES:
        # Ours has a name too, stealth-vpn/..., which is anybody's at a registry.
        yield f"its image comes from {_registry(name)}, and no registry is involved here"
    elif not name and resource.kind != CONTAINER:
        yield f"its {key} is a digest of no repository"


@on_each(About(
    name="docker-image-build-args",
    description="An image is built from the project's own folder, holds no secret and is sent nowhere.",
    remedy="Take it away: build arguments stay readable in the image, and context and Dockerfile lie in the project.",
    severity=HIGH, reference="4.10"), IMAGE, REMOTE_IMAGE)
def build_args(image: Resource) -> Faults:
    build = image.view("build")
    for key in _ARGUMENTS:
        yield from _argument_faults(build.view(key))
    yield from _argument_faults(image.view("buildArgs"))
    for key, folder in _FOLDER.items() if image.kind == IMAGE or image.has("build") else ():
        if not is_inside(build.text(key)):
            yield f"its {key} lies outside the project"
        elif not folder.fullmatch(build.text(key)):
            # Docker takes `github.com/...` and whatever looks like an address for a place to fetch from.
            yield f"its {key} is none of the images' folders"
    if build.text("network") == "host":
        yield "it is built on the host's network"
    if image.kind == IMAGE and not image.flag("skipPush"):
        yield "it would be pushed to a registry"
    registry = image.view("registry")
    # An object without anything in it, as a provider's defaults may be, names none.
    if any(registry.text(name) for name in registry.names()):
        yield "it names a registry, and no registry is involved here"


def _argument_faults(arguments: View) -> Faults:
    for name in arguments.names():
        if is_secret_name(name):
            yield f"the build argument {name} would be readable in the image"
        elif arguments.knows(name):
            yield from _value_faults(name, arguments.text(name))
        elif name != _MADE:
            yield f"the build argument {name} is not known before the deploy; write it as a constant"


def _value_faults(name: str, value: str) -> Faults:
    wanted = BUILD_ARGUMENTS.get(name)
    if wanted and re.fullmatch(wanted, value):
        return
    if found := shape(value):
        yield f"the build argument {name} looks like {found}"
    elif names := names_given(value):
        yield f"the build argument {name} gives a value to {names[0]}"
    elif wanted:
        yield f"the build argument {name} brings what this project has not made"
    else:
        yield f"the build argument {name} is none that the Dockerfiles take"


def _registry(name: str) -> str:
    first, slash, _ = name.partition("/")
    # Reference grammar (github.com/distribution/reference): a first part with a dot or a colon is a registry.
    return first if slash and re.search(r"[.:]|^localhost$", first) else "docker.io"
