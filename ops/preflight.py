"""Checks before anything is made: what would otherwise fail late, or in words that help nobody."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil

from . import reach
from .docker import CADDY, Engine
from .errors import OperatorError
from .target import Target

# The first with a start interval for health checks.
LEAST_ENGINE = 25
# The first that filters and translates IPv6 without being told to (docs.docker.com, release notes of 27.0).
LEAST_IPV6_ENGINE = 27
# Measured: the builds of all images take 5 GB with their caches, from an empty engine.
BUILD_BYTES = 6 << 30
LEAST_BYTES = 256 << 20
"""What a host must have free: a container is taken away before its successor is made, which a full disk forbids."""


def check(target: Target, *, deploys: bool = False) -> Engine:
    """Return the target's engine; raises OperatorError with the first thing that stands in the way.

    A whole deploy brings Docker to another machine: it alone may find none there.
    """
    if not target.docker_host.startswith(("unix:///", "ssh://")):
        # The program says the same, but a check of the engine would come before it.
        raise OperatorError(
            f"dockerHost is {target.docker_host}, but it must begin with unix:/// or ssh://. "
            "Fix it with `pulumi config set dockerHost <value>`.")
    engine = Engine(target.docker_host)
    try:
        version = engine.version()
    except OperatorError:
        if not (deploys and target.is_set_up) or not lets_in(engine):
            raise
        # The deploy brings Docker there, or says why it cannot.
        return engine
    check_version(version)
    if target.ipv6 in {True, "true"}:
        _check_ipv6(engine, version)
    if target.is_local:
        for fault in port_faults(target, engine):
            raise OperatorError(fault)
        _check_disk(engine)
    else:
        _check_disk_there(engine)
    return engine


def lets_in(engine: Engine) -> bool:
    """Tell whether the engine's machine lets us in, and as root, whatever is on it."""
    return engine.on_host("id -u").stdout.strip() == "0"


def port_faults(target: Target, engine: Engine | None) -> Iterator[str]:
    """Yield a sentence for each public port that somebody else than our Caddy holds on this machine.

    Without an engine nothing on it can be our Caddy.
    """
    publishers = engine.publishers() if engine else {}
    for written, transport in ((target.http_port, "tcp"), (target.https_port, "tcp"), (target.https_port, "udp")):
        # `pulumi config set` writes numbers as text; what is no number Settings refuses.
        port = int(str(written)) if str(written).isdecimal() else 0
        if port and (fault := _port_fault(publishers.get(f"{port}/{transport}", ""), port, transport)):
            yield fault


def check_version(version: str) -> None:
    """Refuse an engine that is too old."""
    if int(version.split(".")[0]) < LEAST_ENGINE:
        raise OperatorError(
            f"Docker Engine is {version}, but health checks need {LEAST_ENGINE} or newer. "
            "Upgrade the package docker.io or docker-ce, and run `make up` again.")


def _check_ipv6(engine: Engine, version: str) -> None:
    # Whether ip6tables is on too no engine tells; without experimental features it cannot be.
    if int(version.split(".")[0]) < LEAST_IPV6_ENGINE and not engine.is_experimental():
        raise OperatorError(
            f"ipv6 is true, but Docker Engine {version} neither filters nor translates IPv6. Upgrade it to "
            f'{LEAST_IPV6_ENGINE} or newer, or put {{"experimental": true, "ip6tables": true}} into '
            "/etc/docker/daemon.json there and restart Docker.")


def _port_fault(publisher: str, port: int, transport: str) -> str:
    if publisher == CADDY or not _is_held(port, transport):
        return ""
    key = "httpsPort" if transport == "udp" or port != 80 else "httpPort"
    holder = f"the container {publisher}" if publisher else _holder(port, transport)
    return (
        f"port {port}/{transport} is taken by {holder}, but Caddy needs it. Stop that, "
        f"or choose another port with `pulumi config set {key} <port>`.")


def _listeners(port: int, transport: str) -> list[int | None]:
    return [found.pid for found in psutil.net_connections(transport)
            if found.laddr and found.laddr.port == port
            and (transport == "udp" or found.status == psutil.CONN_LISTEN)]


def _is_held(port: int, transport: str) -> bool:
    return bool(_listeners(port, transport))


def _holder(port: int, transport: str) -> str:
    """Name the process, as far as this user may see it."""
    for pid in _listeners(port, transport):
        if pid is not None:
            return f"{psutil.Process(pid).name()} (process {pid})"
    service = f"`sudo ss -lp{transport[0]}n 'sport = :{port}'`"
    return f"a process of another user (see {service})"


def _check_disk(engine: Engine) -> None:
    if engine.has_image("stealth-vpn/caddy:local"):
        return
    folder = Path(engine.data_folder())
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < BUILD_BYTES:
        raise OperatorError(
            f"{folder} has {free / (1 << 30):.1f} GiB free, but the first build of the images needs "
            f"{BUILD_BYTES >> 30} GiB. Free some, for example with `docker system prune`.")


def _check_disk_there(engine: Engine) -> None:
    folder = engine.data_folder()
    # POSIX says what -P prints; -k counts kibibytes.
    lines = engine.on_host(f"df -Pk {shlex.quote(folder)}").stdout.splitlines()
    words = lines[-1].split() if lines else []
    # A host whose user may not look there is not refused for it.
    free = int(words[3]) << 10 if len(words) > 3 and words[3].isdecimal() else LEAST_BYTES
    if free < LEAST_BYTES:
        raise OperatorError(
            f"the disk of {engine.host} is nearly full: {folder} has {free >> 20} MiB free, but a deploy needs "
            f"{LEAST_BYTES >> 20} MiB. Nothing was changed. Free some there, for example with `ssh "
            f"{reach.person(engine.host)} docker system prune`, and run the same command again.")
