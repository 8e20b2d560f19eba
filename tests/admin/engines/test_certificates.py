import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from panel.engines import certificates
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
