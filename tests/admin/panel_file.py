"""A valid panel.json for tests, with changes, written the way a deployment delivers it."""

import json
from pathlib import Path

PATH = "/a1b2c3d4e5f60718293a4b5c"
SESSION_KEY = "short-lived-session-key-of-the-tests"
PASSWORD_HASH = "$2a$10$" + "abcdefghijklmnopqrstu" + "v0123456789ABCDEFGHIJKLMNOPQRSTU"
SECRETS = (PATH.strip("/"), SESSION_KEY, PASSWORD_HASH)
VALUES: dict[str, object] = {
    "port": 8010,
    "proxyAddress": "172.20.0.10",
    "path": PATH,
    "sessionKey": SESSION_KEY,
    "adminUsername": "admin",
    "adminPasswordHash": PASSWORD_HASH,
    "sessionTimeoutSeconds": 3600,
    "loginRatePerMinute": 5,
    "logLevel": "DEBUG",
}


def write(folder: Path, **changes: object) -> Path:
    """Write VALUES with changes into folder; return the file."""
    return write_text(folder, json.dumps(VALUES | changes))


def write_text(folder: Path, text: str | bytes, mode: int = 0o400) -> Path:
    """Write text as panel.json into folder; return the file."""
    file = folder / "panel.json"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(mode)
    return file
