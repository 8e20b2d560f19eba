"""What a deployed server must do for those outside it, asked from the machine that the pipeline runs on.

Not tried here: the protocols with their real clients, which the tests do on an engine of their own (tests/e2e).
"""

import http.client
import socket
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import click

from .. import subscription
from ..docker import Engine
from ..errors import OperatorError
from ..stack import Stack
from ..target import Target

_PATIENCE_SECONDS = 20
_LEAST_PROTOCOLS = 1


def probes(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the probe as a command, or nothing where it cannot be made; says so then."""
    if Target.read(name).is_local and "authorityCertificate" in Stack(name, click.echo).outputs():
        return (("probe",),)
    click.echo("Not probed: that needs the engine on this machine and `tls: internal` (docs/probe.md).")
    return ()


def visit(name: str, show: Callable[[str], None]) -> None:
    """Ask for the cover site, the panel and the first user's link; raises OperatorError with what does not answer."""
    target, outputs = Target.read(name), Stack(name, show).outputs(with_secrets=True)
    authority = outputs.get("authorityCertificate")
    address, port = _place(target, str(outputs["siteUrl"]))
    for what, output in (("The cover site", "siteUrl"), ("The panel", "panelUrl")):
        status = _status(str(outputs[output]), (address, port), authority, what)
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise OperatorError(f"{what.lower()} of stack {name} answers with {status}. Look at it with "
                                f"`STACK={name} make status` and `STACK={name} make logs`.")
        show(f"{what} answers with {status}.")
    if "subscriptionUrl" not in outputs or not {"admin", "caddy"} <= target.running:
        return
    found = subscription.links(str(outputs["subscriptionUrl"]), address, authority, port)
    if len(found) < _LEAST_PROTOCOLS:
        raise OperatorError(f"the first user's link of stack {name} holds no protocol. "
                            "`scripts/ops users list` tells what that user may use.")
    show(f"The first user's link answers with {len(found)} protocols.")


def _place(target: Target, site: str) -> tuple[str, int]:
    """Return address and port of the server from here: its container's on this engine, else what DNS says."""
    if target.is_local:
        # Here and not above: its libraries are the probe's.
        from ..probe.reference import address_of_server
        return address_of_server(Engine(target.docker_host)), subscription.HTTPS_PORT
    host = str(urlsplit(site).hostname)
    try:
        return socket.gethostbyname(host), int(str(target.https_port))
    except OSError as error:
        raise OperatorError(f"{host} has no address that this machine can find ({error}). "
                            "Point that name at the server (README.md, Your own server).") from error


def _status(url: str, place: tuple[str, int], authority: str | None, what: str) -> int:
    split, (address, port) = urlsplit(url), place
    try:
        with closing(subscription.connect(
                str(split.hostname), address, authority, _PATIENCE_SECONDS, port)) as connection:
            connection.request("GET", split.path or "/")
            return connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(f"{what.lower()} at {split.hostname} does not answer ({error}). "
                            "`make doctor` on the stack finds why.") from error
