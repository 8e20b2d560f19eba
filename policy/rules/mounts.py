"""What of the host a container gets to see."""

import posixpath
import re

from policy.allowlists import HOST_FOLDERS, VOLUMES
from policy.containers import mounts
from policy.making import ASVS, CRITICAL, HIGH, About, Faults, on_each
from policy.resources import CONTAINER, VOLUME, Resource

_SOCKETS = ("docker.sock", "containerd.sock", "podman.sock", "crio.sock")


@on_each(About(
    name="docker-container-disallow-host-mounts",
    description="A container gets volumes, and no folder of the host.",
    remedy="Use a named volume; policy/allowlists.py names the only folder that may be mounted, read-only.",
    severity=CRITICAL, reference="5.6"), CONTAINER, VOLUME)
def host_mounts(resource: Resource) -> Faults:
    if resource.kind == VOLUME:
        yield from _driver_faults(resource)
        return
    allowed = HOST_FOLDERS.get(resource.service, frozenset())
    for mount in mounts(resource):
        if mount.kind == "bind" and posixpath.normpath(mount.source) not in allowed:
            yield f"it gets the host's {mount.source} at {mount.target}"
        elif mount.kind == "bind" and not mount.is_read_only:
            yield f"it may write the host's {mount.source}"
        elif mount.kind not in {"bind", "volume", "tmpfs"}:
            yield f"what is mounted at {mount.target} is of the type {mount.kind or 'none'}"
        elif mount.has_driver:
            yield f"what is mounted at {mount.target} has volumeOptions, by which it can be a folder of the host"
        elif mount.kind == "volume" and "/" in mount.source:
            yield f"what is mounted at {mount.target} is a path and no volume's name"


@on_each(About(
    name="docker-container-volume-allowlist",
    description="A container has its own volumes, each in its place, and no other's.",
    remedy="Mount its own volume there; policy/allowlists.py says which container has which volume where.",
    severity=CRITICAL, standard=ASVS, reference="13.3.2"), CONTAINER)
def own_volumes(container: Resource) -> Faults:
    allowed = VOLUMES.get(container.service, {})
    for mount in mounts(container):
        if mount.kind != "volume":
            continue
        wanted = allowed.get(mount.target)
        if wanted is None:
            yield f"it has a volume at {mount.target}, where it has none of its own"
        elif mount.is_known and not re.fullmatch(wanted.replace("#", "[0-9a-f]{12}"), mount.source):
            yield f"it has the volume {mount.source or 'without a name'} at {mount.target} instead of {wanted}"


def _driver_faults(volume: Resource) -> Faults:
    if volume.text("driver") not in {"", "local"}:
        yield "its driver is not local, so that nobody can tell where its data goes"
    if volume.view("driverOpts").names():
        # `type=none,o=bind,device=/` makes a volume of a folder of the host.
        yield "it has driverOpts, by which a volume can be a folder of the host"


@on_each(About(
    name="docker-container-disallow-docker-socket",
    description="No container reaches the engine that runs it.",
    remedy="Take it away; whoever speaks to the engine is root on the host, and a read-only mount changes nothing.",
    severity=CRITICAL, reference="5.32"), CONTAINER)
def docker_socket(container: Resource) -> Faults:
    for mount in mounts(container):
        if mount.source.endswith(_SOCKETS) or mount.target.endswith(_SOCKETS):
            yield f"it gets the engine's socket at {mount.target}"
    for variable in container.texts("envs"):
        if variable.startswith(("DOCKER_HOST=", "CONTAINERD_ADDRESS=", "CONTAINER_HOST=")):
            yield f"{variable.partition('=')[0]} tells it where an engine is"


@on_each(About(
    name="docker-container-disallow-shared-propagation",
    description="What a container mounts does not appear on the host.",
    remedy="Take bindOptions.propagation away.",
    severity=HIGH, reference="5.20"), CONTAINER)
def shared_propagation(container: Resource) -> Faults:
    for mount in mounts(container):
        if mount.propagation not in {"", "private", "rprivate"}:
            yield f"its mount at {mount.target} is {mount.propagation}"
