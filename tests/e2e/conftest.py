from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import build_image, origin_of_bytes
from tests.e2e.deployment import Server, clean
from tests.e2e.outside import Outside, begin, outside


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one server of this test run, not deployed yet; all of it is removed at the end."""
    begin()
    folder: Path = tmp_path_factory.mktemp("checkout")
    yield Server(folder)
    clean()


@pytest.fixture(scope="session")
def beyond(server: Server) -> Iterator[Outside]:
    """The world beyond the server, and the image of its clients; deploys the server first."""
    server.up()
    build_image()
    with outside() as made:
        yield made


@pytest.fixture(scope="module")
def origin(beyond: Outside) -> Iterator[str]:
    """The URL of an origin of bytes, fast enough for any tunnel."""
    with origin_of_bytes() as url:
        yield url


@pytest.fixture
def deployed(server: Server) -> Server:
    """The server with the default configuration, whatever a test before made of it."""
    server.stand()
    return server


@pytest.fixture
def dual(server: Server) -> Server:
    """The server with IPv6 beside IPv4."""
    server.stand(ipv6=True)
    return server
