"""Every secret that can be rotated: what it is for, who must do what after it, and what the rotation replaces."""

from dataclasses import dataclass

_RELOAD = ("apps that update their subscription themselves come back with the next update, all others load their link "
           "again")
_LINK_FIRST = f"nobody in an overlap that lasts until all apps have loaded their link again; else {_RELOAD}"


@dataclass(frozen=True, kw_only=True)
class Secret:
    """One row."""

    name: str
    purpose: str
    who: str
    """Whom a rotation concerns."""

    then: str
    """What they must do, a part of a sentence."""

    overlap: str = ""
    """How the former value goes on beside the new one; empty where only one can be in force."""

    replaces: tuple[str, ...] = ()
    """Services whose containers the deploy replaces, which cuts what goes through them."""

    command: str = ""
    """What rotates it, where that is another command."""


DERIVED = (
    Secret(name="reality", purpose="key pair of VLESS with REALITY", who="users of VLESS with REALITY", then=_RELOAD,
           replaces=("admin", "xray")),
    Secret(name="reality-short-id", purpose="what REALITY's clients are let in by", who="users of VLESS with REALITY",
           then=_LINK_FIRST, overlap="Xray takes both", replaces=("admin", "xray")),
    Secret(name="websocket-path", purpose="secret path of VLESS over WebSocket", who="users of VLESS over WebSocket",
           then=_LINK_FIRST, overlap="Caddy takes both", replaces=("admin", "caddy", "xray")),
    Secret(name="tunnel-path", purpose="secret path of WireGuard over WebSocket",
           who="users of WireGuard over WebSocket", then=_LINK_FIRST, overlap="Caddy takes both",
           replaces=("admin", "caddy")),
    Secret(name="shadowtls", purpose="outer password of ShadowTLS", who="users of ShadowTLS", then=_LINK_FIRST,
           overlap="Caddy and sing-box take both", replaces=("admin", "caddy", "singbox")),
    Secret(name="shadowsocks", purpose="the server's half of Shadowsocks 2022's key, inside ShadowTLS",
           who="users of ShadowTLS", then=_RELOAD, replaces=("admin", "singbox")),
    Secret(name="wireguard", purpose="the server's key pair of WireGuard, by UDP and WebSocket",
           who="users of WireGuard", then="all load their file again, for no WireGuard app does so by itself",
           replaces=("admin", "wireguard")),
    Secret(name="panel-path", purpose="secret path of panel, API and metrics", who="operators and Prometheus",
           then="take the new address, from `make up`, and sign in again", overlap="Caddy takes both",
           replaces=("admin", "caddy")),
    Secret(name="subscription-path", purpose="secret path that users' links begin with", who="everyone",
           then="give each user their new link, which `ops users link` prints", overlap="Caddy takes both",
           replaces=("admin", "caddy")),
    Secret(name="subscription-key", purpose="what makes users' links impossible to guess", who="everyone",
           then="give each user their new link, which `ops users link` prints", overlap="the panel takes both",
           replaces=("admin",)),
    Secret(name="session-key", purpose="what the panel signs sessions with", who="operators", then="sign in again",
           replaces=("admin",)),
    Secret(name="password-pepper", purpose="key of the hashes of passwords and of codes on paper", who="operators",
           then="sign in within the overlap, and make new codes on paper; whoever did not needs `ops accounts reset`",
           overlap="the panel takes both, and hashes anew at a sign-in", replaces=("admin",)),
    Secret(name="metrics-token", purpose="what Prometheus shows the panel", who="Prometheus",
           then="give it the new one, from `pulumi stack output metricsToken --show-secrets`",
           overlap="the panel takes both", replaces=("admin",)),
    Secret(name="agents", purpose="tokens by which the panel commands the four engines", who="nobody",
           then="there is nothing to do", replaces=("admin", "singbox", "trojan", "wireguard", "xray")),
    Secret(name="authority", purpose="root of the server's own certificates, with `tls: internal`", who="everyone",
           then="all who trust it by hand take the new root, from `pulumi stack output authorityCertificate`, and load "
                "their link again",
           replaces=("admin", "caddy", "singbox", "xray")),
)
"""Secrets that are derived from a seed: another generation and a deploy rotate them."""

OWN_FILES = (
    Secret(name="passphrase", purpose="what encrypts the state's and the configuration's secrets", who="operators",
           then="copy the new .pulumi-passphrase to wherever the former one was kept; all stacks here get it"),
    Secret(name="backup-key", purpose="what opens the backups", who="operators",
           then="keep a copy of the new .backup-key away from this machine",
           overlap="restic takes both"),
)
"""Secrets in files of this machine."""

ELSEWHERE = (
    Secret(name="admin-password", purpose="the first account's password, and that of any other", who="that operator",
           then="sign in with what is printed, and choose another", command="ops accounts reset USERNAME"),
    Secret(name="api-tokens", purpose="what programs show the panel's API", who="that program",
           then="give it the new token", overlap="as many as are wanted",
           command="ops accounts token USERNAME, then ops accounts revoke USERNAME NUMBER"),
    Secret(name="user-secrets", purpose="a user's own passwords and keys for all protocols", who="that user",
           then=_RELOAD, command="ops users renew NAME"),
    Secret(name="user-link", purpose="a user's own link", who="that user", then="give them the new link",
           command="ops users revoke NAME"),
)
"""Secrets of people and programs, one by one, which other commands rotate."""

ALL = (*DERIVED, *OWN_FILES, *ELSEWHERE)
ROTATED_HERE = {secret.name: secret for secret in (*DERIVED, *OWN_FILES)}
