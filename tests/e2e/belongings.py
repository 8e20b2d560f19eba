"""What clients and the operator have of a server, to be compared after it was lost, killed or put back."""

import io
import json
import tarfile
from typing import Any

from ops.docker import Engine
from tests.e2e.deployment import ENGINE_ADDRESS, Server

# Of what a store holds these are other ones after a restore, or go on by themselves.
_OWN_LIFE = {"last_seen_at", "link_read_at", "link_read_by", "updated_at", "revision"}


def had(server: Server) -> dict[str, Any]:
    """Return outputs, users, links and certificates of a server with a user alice."""
    link = server.ops("users", "link", "alice").stdout.strip()
    return {"outputs": server.outputs(), "users": users(server), "link": link, "alice": server.links(link),
            "first": server.links(), "certificates": certificates()}


def users(server: Server) -> list[dict[str, Any]]:
    """Return all users with secrets and counters, without what goes on by itself."""
    found: list[dict[str, Any]] = json.loads(server.ops("users", "export").stdout)["users"]
    return [{field: value for field, value in user.items() if field not in _OWN_LIFE} for user in found]


def certificates(docker_host: str = ENGINE_ADDRESS) -> dict[str, bytes]:
    """Return Caddy's certificates and their keys by file."""
    copied = Engine(docker_host).copied_out("stealth-caddy", "/data")
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as tar:
        streams = {entry.name: tar.extractfile(entry) for entry in tar if entry.name.endswith((".crt", ".key"))}
        return {name: stream.read() for name, stream in streams.items() if stream}
