"""sing-box: ShadowTLS with Shadowsocks 2022, Hysteria2 and TUIC."""

from .configs import agent, singbox
from .configs.common import HANDED_OVER
from .daemon import Daemon, DaemonArgs, Deployment, texts


def create(deployment: Deployment) -> Daemon:
    """Make the daemon; where Caddy obtains the certificates, it reads them as a member of Caddy's group."""
    settings, plan = deployment.settings, deployment.plan
    rendered = deployment.secrets.singbox.apply(lambda keys: singbox.files(settings, plan, keys))
    handed_over = deployment.certificates.handed_over
    reader = {"read_only_data": {HANDED_OVER: handed_over}, "groups": ["10001"]} if handed_over else {}
    quic = [word for port in (settings.singbox_hysteria_port, settings.singbox_tuic_port)
            for word in ("--and", "quic", f"127.0.0.1:{port}")]
    return Daemon("singbox", deployment, DaemonArgs(
        user="10004:10004",
        files={**texts(rendered, "config.json", "egress.json", "agent.json"), **deployment.certificates.singbox},
        probe=["/usr/local/bin/probe", "tcp", f"127.0.0.1:{settings.singbox_shadowtls_port}",
               agent.address(plan, "singbox"), *quic],
        attachments=[deployment.edge("singbox"), deployment.control("singbox")],
        service={"data": {"/var/lib/singbox": deployment.volumes["singbox-data"].name}, **reader}))
