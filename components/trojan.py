"""Trojan-Go, behind the TLS that Caddy ends."""

from .configs import ports, trojan
from .daemon import Daemon, DaemonArgs, Deployment, texts

_LIST = "/trojan.api.TrojanServerService/ListUsers"


def create(deployment: Deployment) -> Daemon:
    """Make the daemon."""
    settings, plan = deployment.settings, deployment.plan
    rendered = deployment.secrets.trojan.apply(lambda keys: trojan.files(settings, plan, keys))
    return Daemon("trojan", deployment, DaemonArgs(
        user="10003:10003", files=texts(rendered, "config.json", "egress.json", "agent.json"),
        # Caddy, which gives the cover page for a wrong password, starts later: it cannot be asked for here.
        probe=["/usr/local/bin/probe", "tcp", f"127.0.0.1:{settings.trojan_port}",
               "--and", "grpc", f"{plan.control('trojan')}:{ports.TROJAN_API}", _LIST],
        attachments=[deployment.edge("trojan"), deployment.control("trojan")],
        service={"data": {"/var/lib/trojan": deployment.volumes["trojan-data"].name}}))
