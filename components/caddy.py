"""Caddy and the UDP front: the only container that anybody outside can reach, started when all others are healthy."""

import pulumi
import pulumi_docker as docker

from .configs import caddy, front, ports
from .configs.common import HANDED_OVER
from .daemon import Daemon, DaemonArgs, Deployment, texts
from .keys import PanelKeys
from .site import SITE_PATH, Site

_USER = "10001:10001"


def create(deployment: Deployment, others: list[Daemon], panel: pulumi.Output[PanelKeys] | None) -> Daemon:
    """Make Caddy, which waits for the others; without the panel's keys it serves none."""
    settings, secrets = deployment.settings, deployment.secrets
    rendered = pulumi.Output.all(secrets.xray, secrets.singbox, secrets.wireguard, panel).apply(
        lambda keys: caddy.files(settings, deployment.plan, *keys))
    files = {**texts(rendered, "Caddyfile"), **deployment.certificates.caddy}
    volumes, handed_over = deployment.volumes, deployment.certificates.handed_over
    return Daemon("caddy", deployment, DaemonArgs(
        user=_USER, files=files, probe=_probe(deployment),
        attachments=[deployment.edge("caddy")], after=list(others),
        service={
            "command": front.command(settings, deployment.plan),
            "data": {"/data": volumes["caddy-data"].name, "/config": volumes["caddy-config"].name,
                     **({HANDED_OVER: handed_over} if handed_over else {})},
            "read_only_data": _own_site(deployment),
            "ports": [
                _published(inside, outside, protocol, address)
                for address in (["0.0.0.0", "::"] if settings.ipv6 else ["0.0.0.0"])  # noqa: S104 - the public ports
                for inside, outside, protocol in (
                    (80, settings.http_port, "tcp"), (443, settings.https_port, "tcp"),
                    (443, settings.https_port, "udp"))],
        }))


def _own_site(deployment: Deployment) -> dict[str, pulumi.Input[str]]:
    if deployment.site is None:
        return {}
    return {SITE_PATH: Site(deployment.images["caddy"], _USER, deployment.site, deployment.opts,
                            deployment.suffix).volume}


def _probe(deployment: Deployment) -> list[str]:
    plan = deployment.plan
    check = ["/usr/local/bin/probe", "http", "http://127.0.0.1:2019/config/",
             "--and", "http", f"http://{plan.edge('caddy')}:{ports.COVER_PLAIN}/", "--host", plan.name("www"),
             *(["--contains", "</html>"] if deployment.site is None else []),
             "--and", "quic", front.SITE, "--and", "http", f"http://{front.STATUS}/status",
             *_certificates(deployment)]
    if deployment.settings.mode == "minimal":
        return check
    # So that a deploy ends with REALITY's measurement made (decision 0003); by way of the front, which knows an Xray
    # that was stopped from one that is not ready.
    return [*check, "--and", "http", f"http://{front.STATUS}/measured"]


def _certificates(deployment: Deployment) -> list[str]:
    """Ask Caddy for each certificate that it must have obtained, where no other daemon ends the TLS of that name."""
    plan, settings = deployment.plan, deployment.settings
    if settings.tls != "acme":
        return []
    own = ["--and", "tls", "127.0.0.1:443", *plan.names("www")]
    if settings.mode == "minimal":
        return own
    return [*own, *plan.names("app", "q", "t"),
            "--and", "tls", f"{plan.edge('caddy')}:{ports.COVER_TLS}", *plan.names("cdn", "img")]


def _published(inside: int, outside: int, protocol: str, address: str) -> docker.ContainerPortArgs:
    return docker.ContainerPortArgs(internal=inside, external=outside, protocol=protocol, ip=address)
