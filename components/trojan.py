"""Trojan-Go, behind the TLS that Caddy ends."""

from .configs import agent, trojan
from .daemon import Daemon, DaemonArgs, Deployment, texts


def create(deployment: Deployment) -> Daemon:
    """Make the daemon."""
    settings, plan = deployment.settings, deployment.plan
    rendered = deployment.secrets.trojan.apply(lambda keys: trojan.files(settings, plan, keys))
    return Daemon("trojan", deployment, DaemonArgs(
        user="10003:10003", files=texts(rendered, "config.json", "egress.json", "agent.json"),
        # Caddy, which gives the cover page for a wrong password, starts later: it cannot be asked for here.
        probe=["/usr/local/bin/probe", "tcp", f"127.0.0.1:{settings.trojan_port}", agent.address(plan, "trojan")],
        attachments=[deployment.edge("trojan"), deployment.control("trojan")],
        service={"data": {"/var/lib/trojan": deployment.volumes["trojan-data"].name}}))
