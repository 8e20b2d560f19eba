"""A valid panel.json for tests, with changes, written the way a deployment delivers it."""

import json
from pathlib import Path

PATH = "/a1b2c3d4e5f60718293a4b5c"
SUBSCRIPTION_PATH = "/0f1e2d3c4b5a69788796a5b4"
SESSION_KEY = "short-lived-session-key-of-the-tests"
PASSWORD_PEPPER = "short-lived-password-pepper-of-the-tests"  # noqa: S105 - of the tests
SUBSCRIPTION_KEY = "short-lived-subscription-key-of-the-tests"
METRICS_TOKEN = "short-lived-metrics-token-of-the-tests"  # noqa: S105 - of the tests
PASSWORD_HASH = "$2a$10$" + "abcdefghijklmnopqrstu" + "v0123456789ABCDEFGHIJKLMNOPQRSTU"
ENGINES = {name: {"url": f"http://172.21.0.{number}:8020", "token": f"short-lived-token-of-the-agent-of-{name}"}
           for name, number in {"xray": 11, "trojan": 12, "singbox": 13, "wireguard": 14}.items()}
SERVER: dict[str, object] = {
    "domain": "example.com",
    "port": 443,
    "names": {label: f"{label}.example.com" for label in ("www", "cdn", "img", "app", "q", "t")},
    "authority": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "realityPublicKey": "r" * 43,
    "realityShortId": "0123456789abcdef",
    "websocketPath": "/00112233445566778899aabb",
    "shadowtlsPassword": "short-lived-shadowtls-password-of-the-tests",
    "shadowsocksServerKey": "c2hvcnQtbGl2ZWQta2V5IQ==",
    "wireguardPublicKey": "w" * 43 + "=",
    "wireguardSubnet": "10.66.66.0/24",
    "wireguardSubnet6": "fd9c:3b1e:7a20:2::/64",
    "wireguardEndpoint": "172.20.0.14:51820",
    "tunnelPath": "/bbaa99887766554433221100",
    "dnsServers": ["1.1.1.1", "8.8.8.8"],
}
HOST: dict[str, object] = {
    "engines": {"xray": {"url": "http://172.21.0.16:8101", "token": "short-lived-token-of-the-agent-of-xray-on-two"}},
    "server": SERVER | {
        "domain": "two.example", "websocketPath": "/8899aabb0011223344556677",
        "names": {label: f"{label}.two.example" for label in ("www", "cdn", "img", "app", "q", "t")}},
}
"""A further host of a fleet."""

ALERTS = {"webhookUrl": "", "smtpUrl": "", "mailTo": ""}
SECRETS = (
    PATH.strip("/"), SUBSCRIPTION_PATH.strip("/"), SESSION_KEY, PASSWORD_PEPPER, SUBSCRIPTION_KEY, METRICS_TOKEN,
    PASSWORD_HASH, ENGINES["xray"]["token"], ENGINES["wireguard"]["token"],
    "0123456789abcdef", "00112233445566778899aabb", "bbaa99887766554433221100",
    "short-lived-shadowtls-password-of-the-tests", "c2hvcnQtbGl2ZWQta2V5IQ==")
VALUES: dict[str, object] = {
    "port": 8010,
    "proxyAddress": "172.20.0.10",
    "path": PATH,
    "subscriptionPath": SUBSCRIPTION_PATH,
    "sessionKey": SESSION_KEY,
    "passwordPepper": PASSWORD_PEPPER,
    "subscriptionKey": SUBSCRIPTION_KEY,
    "metricsToken": METRICS_TOKEN,
    "formerPasswordPepper": "",
    "formerSubscriptionKey": "",
    "formerMetricsToken": "",
    "databaseUrl": "sqlite:////var/lib/admin/panel.db",
    "adminUsername": "admin",
    "adminPasswordHash": PASSWORD_HASH,
    "sessionTimeoutSeconds": 3600,
    "loginRatePerMinute": 5,
    "logLevel": "DEBUG",
    "engines": ENGINES,
    "server": SERVER,
    "hosts": {},
    "alerts": ALERTS,
}


def write(folder: Path, **changes: object) -> Path:
    """Write VALUES with changes into folder, the database beside them; return the file."""
    return write_text(folder, json.dumps(VALUES | {"databaseUrl": f"sqlite:///{folder}/panel.db"} | changes))


def write_text(folder: Path, text: str | bytes, mode: int = 0o400) -> Path:
    """Write text as panel.json into folder; return the file."""
    file = folder / "panel.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return file
