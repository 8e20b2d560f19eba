"""What several rules ask of a container."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from .allowlists import ONE_SHOT_JOBS
from .resources import Resource


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One entry of `mounts` or of the older `volumes`."""

    kind: str
    """volume, bind, tmpfs or what else was given."""

    source: str
    """Empty if it is a volume whose name is not known yet, or one without a name."""

    target: str
    is_read_only: bool
    is_known: bool = True
    """Whether what is mounted is known yet."""

    propagation: str = ""
    has_driver: bool = False
    """Whether it brings options of a volume's driver, by which a new volume can be a folder of the host."""


def is_job(container: Resource) -> bool:
    """Tell whether it carries files into a volume and never runs, so that limits of a running one mean nothing."""
    return container.service in ONE_SHOT_JOBS and _is_left_alone(container)


def is_stopped(container: Resource) -> bool:
    """Tell whether an operator has stopped it: by all three at once, so that nothing starts it."""
    return container.text("restart") == "no" and _is_left_alone(container)


def capabilities(container: Resource, key: str) -> tuple[str, ...]:
    """Return the capabilities under `adds` or `drops`, in the one spelling of many: upper case, without CAP_."""
    return tuple(name.upper().removeprefix("CAP_") for name in container.view("capabilities").texts(key))


def mounts(container: Resource) -> Iterator[Mount]:
    """Yield what is mounted into it."""
    for mount in container.views("mounts"):
        kind = mount.text("type")
        is_known = kind != "volume" or mount.knows("source")
        yield Mount(
            kind=kind, source=mount.text("source") if is_known else "", target=_path(mount.text("target")),
            is_read_only=bool(mount.flag("readOnly")), is_known=is_known,
            propagation=mount.view("bindOptions").text("propagation"), has_driver=mount.has("volumeOptions"))
    for volume in container.views("volumes"):
        folder = volume.text("hostPath")
        yield Mount(
            kind="bind" if folder else "container" if volume.text("fromContainer") else "volume",
            source=folder or (volume.text("volumeName") if volume.knows("volumeName") else ""),
            target=_path(volume.text("containerPath")), is_known=volume.knows("volumeName"),
            is_read_only=bool(volume.flag("readOnly")))


def _is_left_alone(container: Resource) -> bool:
    return container.flag("start") is False and container.flag("mustRun") is False


def _path(given: str) -> str:
    # POSIX lets two slashes at the beginning stand.
    return posixpath.normpath("/" + given.lstrip("/")) if given else ""
