"""WireGuard, and the same over WebSocket by chisel: the one container with a capability."""

from .configs import ports, wireguard
from .daemon import Daemon, DaemonArgs, Deployment, texts

_MODULES = "/lib/modules"


def create(deployment: Deployment) -> Daemon:
    """Make the daemon."""
    settings, plan = deployment.settings, deployment.plan
    rendered = deployment.secrets.wireguard.apply(lambda keys: wireguard.files(settings, plan, keys))
    return Daemon("wireguard", deployment, DaemonArgs(
        user="0:0", files=texts(rendered, "wg0.conf", "rules.nft", "agent.json"),
        # The specification's own check, and the WebSocket side beside it, which opens when the agent knows the users.
        # The agent's own port is closed to the container itself, and so to chisel.
        probe=["/bin/sh", "-c", "wg show wg0 >/dev/null && exec /usr/local/bin/probe tcp "
               f"127.0.0.1:{settings.wireguard_websocket_port}"],
        attachments=[deployment.edge("wireguard"), deployment.control("wireguard")],
        service={
            "command": [
                "-address", wireguard.own_address(settings.vpn_subnet),
                "-address6", wireguard.own_address(settings.vpn_subnet6),
                "-websocket", f"0.0.0.0:{settings.wireguard_websocket_port}",
                "-endpoint", wireguard.endpoint(settings, plan),
                "-memory", f"{deployment.host.limits.memory_mb * 3 // 4}MiB",
                "-backend", f"http://{plan.edge('caddy')}:{ports.COVER_PLAIN}"],
            "data": {"/var/lib/wireguard": deployment.volumes["wireguard-data"].name},
            "devices": ["/dev/net/tun"],
            "sysctls": {
                "net.ipv4.ip_forward": "1",  # packets of peers go on to the internet
                "net.ipv4.conf.all.src_valid_mark": "1",  # wg-quick(8): marked packets pass the source check
                **({"net.ipv6.conf.all.forwarding": "1"} if settings.ipv6 else {}),
            },
            **_kernel(settings.allow_sys_module),
        }))


def _kernel(may_load_modules: bool) -> dict[str, object]:
    # NET_ADMIN: wg0, its addresses and its firewall.
    if not may_load_modules:
        return {"capabilities": ["CAP_NET_ADMIN"]}
    # SYS_MODULE without the host's modules would be a risk that serves nothing.
    return {"capabilities": ["CAP_NET_ADMIN", "CAP_SYS_MODULE"], "host_folders": {_MODULES: _MODULES}}
