"""A certificate authority on the internet of the tests: Pebble, Let's Encrypt's own for tests (RFC 8555)."""

import copy
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tests.certificates import PrivateAuthority
from tests.e2e.client import IMAGE
from tests.e2e.containers import call_text
from tests.e2e.deployment import docker
from tests.e2e.outside import CLIENTS, ORIGIN_ADDRESS, SERVER_ADDRESS

NAME = "e2e-pebble"
_PORT = 14000
DIRECTORY = f"https://{ORIGIN_ADDRESS}:{_PORT}/dir"
LIFETIME_SECONDS = 40
"""Validity of what it issues. It asks for a renewal at a random time of it (RFC 9773)."""

_READY_SECONDS = 20
_CONFIG: dict[str, Any] = {"pebble": {
    "listenAddress": f"0.0.0.0:{_PORT}", "managementListenAddress": "127.0.0.1:15000",
    "certificate": "/ca/server.pem", "privateKey": "/ca/server.key", "httpPort": 80, "tlsPort": 443,
    "retryAfter": {"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa",
    "profiles": {"default": {"description": "for tests", "validityPeriod": 0}}}}
# A challenge is looked at at once, and no request is refused at random.
_SCRIPT = (
    "pebble-challtestsrv -defaultIPv6 '' -http01 '' -https01 '' -tlsalpn01 '' -doh '' & "
    "export PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0; "
    "exec pebble -config /ca/config.json -dnsserver 127.0.0.1:8053")


@contextmanager
def pebble(lifetime_seconds: int = LIFETIME_SECONDS) -> Iterator[str]:
    """Run the authority for as long as the block lasts; yields the roots of its directory and of what it issues."""
    own = PrivateAuthority()
    config = copy.deepcopy(_CONFIG)
    config["pebble"]["profiles"]["default"]["validityPeriod"] = lifetime_seconds
    pair = own.pair([IPv4Address(ORIGIN_ADDRESS), IPv4Address("127.0.0.1")])
    with tempfile.TemporaryDirectory() as folder:
        for file, text in {"config.json": json.dumps(config), "server.pem": pair.chain_pem,
                           "server.key": pair.private_key_pem, "root.pem": own.root_pem}.items():
            (Path(folder) / file).write_text(text)
        docker("rm", "--force", NAME, check=False)
        docker("run", "--detach", "--name", NAME, "--network", CLIENTS, "--init", "--volume", f"{folder}:/ca:ro",
               "--publish", f"{ORIGIN_ADDRESS}:{_PORT}:{_PORT}", "--entrypoint", "/bin/sh", IMAGE, "-c", _SCRIPT)
        try:
            roots = own.root_pem + _issuing_root()
            lead_names_to(SERVER_ADDRESS)
            yield roots
        finally:
            docker("rm", "--force", NAME)


def asked(path: str) -> int:
    """Return how often the authority was asked for something, such as /order-plz (its log has a line for each)."""
    done = call_text("logs", NAME)
    return (done.stdout + done.stderr).count(f"POST {path} ")


def lead_names_to(address: str) -> None:
    """Have every name lead to an address, as the authority sees it."""
    docker("exec", NAME, "curl", "--silent", "--fail", "--data", json.dumps({"ip": address}),
           "http://127.0.0.1:8055/set-default-ipv4")


def _issuing_root() -> str:
    end = time.monotonic() + _READY_SECONDS
    while True:
        root = docker("exec", NAME, "curl", "--silent", "--cacert", "/ca/root.pem",
                      "https://127.0.0.1:15000/roots/0", check=False)
        if root.startswith("-----BEGIN CERTIFICATE"):
            return root + "\n"
        assert time.monotonic() < end, docker("logs", NAME)
        time.sleep(0.1)
