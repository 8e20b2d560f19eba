"""The digest that the panel and an agent compare, so that neither needs to send what it knows."""

import hashlib
from collections.abc import Mapping

from .agent import Secrets


def digest(known: Mapping[str, Secrets]) -> str:
    """Return SHA-256 over a line NAME TAB PROTOCOL TAB SECRET LF for each secret, sorted.

    The same as digest() in images/builder/agent/users.go.
    """
    summed = hashlib.sha256()
    for name in sorted(known):
        for protocol, secret in sorted(known[name].items()):
            summed.update(f"{name}\t{protocol}\t{secret}\n".encode())
    return summed.hexdigest()
