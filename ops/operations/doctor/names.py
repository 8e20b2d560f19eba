"""Checks of names: where the domain's lead, and whether resolvers answer the server."""

import ipaddress
import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ...target import Target
from .findings import Case, Finding

LABELS = ("www", "cdn", "img", "app", "q", "t")
_MINIMAL_LABELS = ("www",)
# RFC 6761, RFC 6762 and RFC 8375.
PRIVATE_DOMAINS = (".test", ".localhost", ".local", ".example", ".invalid", ".internal", ".home.arpa")
"""Ends of names that no public server knows, and so no public authority signs."""

# A question for the root's name servers (RFC 1035 section 4.1), which every resolver has an answer for. What answers is
# told by its address; the program needs nothing but the standard library.
_ASK = """
import json, socket, sys
found = {}
for address in json.load(sys.stdin)["resolvers"]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(2):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.settimeout(2)
                asking.connect((address, 53))
                asking.send(b"\\x0a\\x0b\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\x01")
                found[address] = "" if asking.recv(4096)[:2] == b"\\x0a\\x0b" else "answers something else"
                break
        except OSError as error:
            reason = "" if isinstance(error, TimeoutError) else f" ({error.strerror})"
            found[address] = f"does not answer{reason}"
print(json.dumps(found))
"""
_LOOK_UP = "import socket, sys; socket.getaddrinfo(sys.stdin.read(), 443)"
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


def labels(target: Target) -> tuple[str, ...]:
    """Return what stands before the domain in the server's names."""
    return LABELS if len(target.services) > 2 else _MINIMAL_LABELS


def of_server(target: Target) -> list[str]:
    """Return the names that the server answers to."""
    return [f"{label}.{target.domain}" for label in labels(target)]


def public_names(target: Target) -> list[str]:
    """Return the names that must lead to the server; none for a domain that only clients know."""
    if f".{target.domain}".endswith(PRIVATE_DOMAINS):
        return []
    return of_server(target)


def check(case: Case, resolve: Callable[[str], set[str]] | None = None) -> Iterator[Finding]:
    """Ask for the addresses of the domain's names, unless it is one that only clients know."""
    found = {name: (resolve or addresses)(name) for name in public_names(case.target)}
    if not found:
        return
    usual = max(found.values(), key=lambda item: list(found.values()).count(item))
    for name, where in found.items():
        if not where:
            kind, fault = "name-missing", "leads nowhere"
        elif unreachable := sorted(address for address in where if not ipaddress.ip_address(address).is_global):
            kind, fault = "name-private", f"leads to {', '.join(unreachable)}, which nobody reaches from the internet"
        elif where != usual:
            kind = "name-elsewhere"
            fault = f"leads to {', '.join(sorted(where))}, but most names to {', '.join(sorted(usual)) or 'nothing'}"
        else:
            continue
        yield Finding(check="names", name=kind, fix=f"getent ahosts {name}",
                      fault=f"{name} {fault}; let it lead to the server, at your domain's registrar.")


def addresses(name: str) -> set[str]:
    """Return the addresses of a name; none if it has none."""
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        return set()


def resolvers(case: Case) -> Iterator[Finding]:
    """Ask the resolvers from the panel's container: of all services it has a program that can."""
    if not case.runs("admin"):
        return
    asked = json.dumps({"resolvers": list(case.settings["dnsServers"])})
    done = case.engine.execute("stealth-admin", *_PYTHON, _ASK, stdin=asked)
    answered: dict[str, str] = json.loads(done.stdout) if done.returncode == 0 and done.stdout.startswith("{") else {}
    for address, fault in answered.items():
        if fault:
            yield Finding(check="resolvers", name="resolver-silent",
                          fault=f"The resolver {address} of dnsServers {fault}, so that clients reach no name by it.",
                          fix="pulumi config set --path 'dnsServers[0]' ADDRESS, with one that answers, then make up")
    if case.settings["tls"] == "acme":
        authority = urlsplit(str(case.settings["acmeDirectory"])).hostname or ""
        if case.engine.execute("stealth-admin", *_PYTHON, _LOOK_UP, stdin=authority).returncode != 0:
            yield Finding(check="resolvers", name="authority-unknown",
                          fix="cat /etc/resolv.conf (on the engine's machine)",
                          fault=f"Containers do not find the address of {authority}, which renews certificates: the "
                                "resolvers of the engine's machine do not answer them.")
