"""What is looked at of a fleet's further host, and its certificates as this machine sees them."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops.docker import Engine
from ops.operations.doctor import certificates, names
from ops.operations.doctor.command import CHECKS, checks_of
from ops.operations.doctor.findings import Case
from ops.target import Target
from tests.certificates import PrivateAuthority
from tests.ops.operations.fakes import FakeEngine, ops

SERVICES = ("caddy", "singbox", "trojan", "wireguard", "xray")


def case(port: int, address: str = "127.0.0.1") -> Case:
    target = Target(stack="test", docker_host=f"ssh://deploy@{address}", http_port=80, https_port=port, ipv6=False,
                    domain="two.test", services=SERVICES)
    return Case(Engine(target.docker_host), target, lambda: None)


@contextmanager
def shown(folder: Path, authority: PrivateAuthority, domain: str, days: float = 90) -> Iterator[int]:
    """Show a certificate for a domain at a port of the loopback, the same to whoever asks."""
    leaf = authority.pair([f"*.{domain}"], days=days)
    file = folder / "both.pem"
    file.write_text(leaf.chain_pem + leaf.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer() -> None:
            while True:
                try:
                    with server.accept()[0] as plain, context.wrap_socket(plain, server_side=True):
                        pass
                except ssl.SSLError:
                    continue
                except OSError:
                    return
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def found(at: Case, authority: PrivateAuthority) -> list[str]:
    roots = [ssl.PEM_cert_to_DER_cert(authority.root_pem)]
    return [finding.name for finding in certificates._from_here(at, roots)]


@pytest.mark.parametrize(("domain", "days", "faults"), [
    ("two.test", 90, set()), ("other.test", 90, {"certificate-untrusted"}), ("two.test", -1, {"certificate-untrusted"}),
    ("two.test", 3, {"certificate-late"})])
def test_its_certificates_are_judged_from_this_machine(
    tmp_path: Path, domain: str, days: float, faults: set[str],
) -> None:
    authority = PrivateAuthority()
    with shown(tmp_path, authority, domain, days) as port:
        at = case(port)
        wanted = len(names.labels(at.target)) if faults else 0
        assert (set(listed := found(at, authority)), len(listed)) == (faults, wanted)


def test_a_certificate_of_another_authority_is_a_fault(tmp_path: Path) -> None:
    with shown(tmp_path, PrivateAuthority("theirs"), "two.test") as port:
        assert set(found(case(port), PrivateAuthority("ours"))) == {"certificate-untrusted"}


def test_a_machine_that_is_not_reached_from_here_says_nothing_of_its_certificates() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert found(case(port), PrivateAuthority()) == []


def test_what_only_the_panels_server_has_is_not_looked_for_there() -> None:
    left_out = set(checks_of("")) - set(checks_of("two"))
    assert left_out == {"resolvers", "panel", "state", "watchdog", "backups", "drift", "overlaps of secrets"}
    assert checks_of("") == list(CHECKS)


@pytest.mark.parametrize("command", ["health", "logs", "restart", "doctor"])
def test_a_host_that_is_not_of_the_fleet_is_refused(well: FakeEngine, command: str) -> None:
    done = ops(command, "--host", "nine")
    assert done.exit_code != 0
    assert "there is no further host nine" in done.output
