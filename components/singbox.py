"""sing-box: ShadowTLS with Shadowsocks 2022, Hysteria2 and TUIC."""

import pulumi

from .authority import Authority, Leaf
from .configs import ports, singbox
from .configs.plan import Plan
from .daemon import Daemon, DaemonArgs, Deployment, texts


def create(deployment: Deployment) -> Daemon:
    """Make the daemon. Its QUIC certificates come from our own authority, whatever `tls` says for Caddy."""
    settings, plan = deployment.settings, deployment.plan
    rendered = deployment.secrets.singbox.apply(lambda keys: singbox.files(settings, plan, keys))
    leaf = deployment.secrets.authority.apply(lambda authority: _leaf(authority, plan))
    quic = [word for port in (settings.singbox_hysteria_port, settings.singbox_tuic_port)
            for word in ("--and", "quic", f"127.0.0.1:{port}")]
    return Daemon("singbox", deployment, DaemonArgs(
        user="10004:10004", files=texts(rendered, "config.json") | _pair(leaf),
        probe=["/usr/local/bin/probe", "tcp", f"127.0.0.1:{settings.singbox_shadowtls_port}",
               f"{plan.control('singbox')}:{ports.CLASH_API}", *quic],
        attachments=[deployment.edge("singbox"), deployment.control("singbox")],
        service={"data": {"/var/lib/singbox": deployment.volumes["singbox-data"].name}}))


def _leaf(authority: Authority, plan: Plan) -> Leaf:
    # Every name of the server, for a prober may ask for any of them over HTTP/3.
    return authority.leaf([plan.name(label) for label in ("q", "t", "www", "cdn", "img", "app")])


def _pair(leaf: pulumi.Output[Leaf]) -> dict[str, pulumi.Output[str]]:
    return {"cert.pem": leaf.apply(lambda made: made.chain_pem),
            "key.pem": leaf.apply(lambda made: made.private_key_pem)}
