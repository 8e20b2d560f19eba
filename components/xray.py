"""Xray: VLESS with Vision and REALITY, and VLESS over WebSocket."""

from .configs import agent, ports, xray
from .daemon import Daemon, DaemonArgs, Deployment, texts


def create(deployment: Deployment) -> Daemon:
    """Make the daemon; its launcher measures the REALITY target as soon as Caddy answers (decision 0003)."""
    settings, plan = deployment.settings, deployment.plan
    rendered = deployment.secrets.xray.apply(lambda keys: xray.files(settings, plan, keys))
    files = texts(rendered, "config.json", "egress.json", "agent.json")
    if deployment.certificates.roots is not None:
        files["ca.crt"] = deployment.certificates.roots
    return Daemon("xray", deployment, DaemonArgs(
        user="10002:10002", files=files,
        probe=["/usr/local/bin/probe",
               "tcp", f"127.0.0.1:{settings.xray_vision_port}", f"127.0.0.1:{settings.xray_websocket_port}",
               agent.address(plan, "xray")],
        attachments=[deployment.edge("xray"), deployment.control("xray")],
        service={
            "command": [
                "--target", f"{plan.edge('caddy')}:{ports.COVER_TLS}", "--server-name", plan.name("cdn"),
                "--status", f"{plan.edge('xray')}:{ports.XRAY_STATUS}"],
            "data": {"/var/lib/xray": deployment.volumes["xray-data"].name},
        }))
