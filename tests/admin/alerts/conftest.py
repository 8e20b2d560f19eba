import ssl
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.admin.alerts.receivers import Hook, MailServer
from tests.certificates import PrivateAuthority


@pytest.fixture(scope="session")
def authority() -> PrivateAuthority:
    return PrivateAuthority()


@pytest.fixture(scope="session")
def context(authority: PrivateAuthority, tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """What a server at 127.0.0.1 shows."""
    folder = tmp_path_factory.mktemp("certificate")
    pair = authority.pair([IPv4Address("127.0.0.1")])
    (folder / "pair.pem").write_text(pair.chain_pem + pair.private_key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pair.pem")
    return context


@pytest.fixture
def trusted(authority: PrivateAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the panel trust the authority of the tests, as a machine's list of authorities would."""
    (tmp_path / "root.pem").write_text(authority.root_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))


@pytest.fixture
def hook() -> Iterator[Hook]:
    hook = Hook()
    yield hook
    hook.end()


@pytest.fixture
def mail_server(context: ssl.SSLContext) -> Iterator[MailServer]:
    server = MailServer(context)
    yield server
    server.end()
