"""WireGuard's files: wg-quick(8)'s form, and for the way over WebSocket the command that carries it."""

from ..config import ServerFacts
from ..protocols import engine_name, wireguard_addresses
from ..store.models import User

# The least that IPv6 allows (RFC 8200 section 5). A client would take the loopback interface's for its line.
_MTU_OVER_WEBSOCKET = 1280
# Shorter than the front's idle time by far, and a peer behind a carrier's NAT stays reachable.
_KEEPALIVE_SECONDS = 10
_WEBSOCKET_ENDPOINT = "127.0.0.1:51821"
# After refusals chisel would wait for up to five minutes, also once its user is let in again.
_RETRY = "--max-retry-interval 1s "


def direct_file(server: ServerFacts, user: User) -> str:
    """Return the file for WireGuard on the public port, which the app reads from a QR code too."""
    return _file(server, user, "wireguard", f"{server.names['www']}:{server.port}")


def websocket_file(server: ServerFacts, user: User) -> str:
    """Return the file for WireGuard through chisel's tunnel; the tunnel's command stands at its top."""
    site = f"https://{server.names['www']}:{server.port}{server.tunnel_path}"
    trust = f"--tls-ca {AUTHORITY_FILE} " if server.authority else ""
    # chisel takes its user from the variable AUTH, so that no command line shows the password.
    return "\n".join([
        f"# AUTH={engine_name(user.id)}:{user.secrets['wireguardWebsocket']['password']}",
        f"# chisel client {trust}{_RETRY}{site} {_WEBSOCKET_ENDPOINT}:{server.wireguard_endpoint}/udp",
        _file(server, user, "wireguardWebsocket", _WEBSOCKET_ENDPOINT, _MTU_OVER_WEBSOCKET)])


AUTHORITY_FILE = "authority.crt"
"""Name that the private root is downloaded by."""


def _file(server: ServerFacts, user: User, protocol: str, endpoint: str, mtu: int | None = None) -> str:
    # Without an MTU each client takes what suits its own line: wg-quick(8) the route's less 80 bytes, a phone 1280.
    secret = user.secrets[protocol]
    addresses = wireguard_addresses(server, user, protocol)
    if addresses is None:
        raise ValueError(f"user {user.id} has no WireGuard")
    return "\n".join([
        "[Interface]", f"PrivateKey = {secret['private']}", f"Address = {addresses[0]}/32, {addresses[1]}/128",
        f"DNS = {', '.join(server.dns_servers)}", *([f"MTU = {mtu}"] if mtu else []), "",
        "[Peer]", f"PublicKey = {server.wireguard_public_key}", f"PresharedKey = {secret['preshared']}",
        # IPv6 in any case: where the server has none it says so at once, and nothing leaks beside the tunnel.
        "AllowedIPs = 0.0.0.0/0, ::/0", f"Endpoint = {endpoint}", f"PersistentKeepalive = {_KEEPALIVE_SECONDS}", ""])
