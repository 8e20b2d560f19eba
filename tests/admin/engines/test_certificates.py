import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from panel.engines import certificates
from panel.engines.certificates import Certificate
from tests.certificates import PrivateAuthority


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of a server that shows a certificate that ends in 9 days to whoever names www.example.com."""
    pair = PrivateAuthority().pair(["www.example.com"], days=9)
    (tmp_path / "pair.pem").write_text(pair.chain_pem + pair.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    context.sni_callback = lambda _, name, __: (
        None if name == "www.example.com" else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME)
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with suppress(OSError):
                        context.wrap_socket(connection, server_side=True).close()
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_the_end_of_a_certificate_is_read_whoever_signed_it(port: int) -> None:
    read = certificates.read("127.0.0.1", port, "www.example.com")
    assert read.fault == ""
    assert read.expires_at is not None
    assert abs(read.expires_at - datetime.now(UTC) - timedelta(days=9)) < timedelta(minutes=5)


def test_a_name_that_the_server_does_not_know_is_a_fault(port: int) -> None:
    read = certificates.read("127.0.0.1", port, "other.example.com")
    assert (read.expires_at, read.fault) == (None, "its certificate could not be read (TLSV1_UNRECOGNIZED_NAME).")


def test_a_server_that_is_gone_is_a_fault(port: int) -> None:
    assert certificates.read("127.0.0.1", 1, "www.example.com").fault == (
        "its certificate could not be read (Connection refused).")


class Timeless:
    """A certificate whose times are found out to be none as they are asked for."""

    @property
    def not_valid_before_utc(self) -> datetime:
        raise ValueError("year 0 is out of range")


def refuse(_: bytes) -> Timeless:
    raise x509.InvalidVersion("2 is not a valid X509 version", 2)


@pytest.mark.parametrize(("parse", "reason"), [
    (lambda _: Timeless(), "year 0 is out of range"), (refuse, "2 is not a valid X509 version")])
def test_a_certificate_that_is_none_is_a_fault(
    port: int, monkeypatch: pytest.MonkeyPatch, parse: object, reason: str,
) -> None:
    monkeypatch.setattr(x509, "load_der_x509_certificate", parse)
    assert certificates.read("127.0.0.1", port, "www.example.com") == Certificate(
        name="www.example.com", fault=f"its certificate could not be read ({reason}).")


def test_what_was_read_last_stays_while_a_certificate_cannot_be_read() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    read = Certificate(name="a", began_at=now - timedelta(days=80), expires_at=now + timedelta(days=10))
    unread = Certificate(name="a", fault="gone.")
    first = certificates.following(read, unread, now)
    assert first == replace(read, fault="gone.", fault_began_at=now)
    later = certificates.following(first, Certificate(name="a", fault="slow."), now + timedelta(minutes=1))
    assert (later.fault, later.fault_began_at, later.expires_at) == ("slow.", now, read.expires_at)
    assert certificates.following(later, read, now + timedelta(minutes=2)) == read
