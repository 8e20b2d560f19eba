"""First traffic: a real client through port 443, and what everybody else sees there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import PAGE, Outside, fetch, outside, xray_client
from tests.e2e.deployment import Server

pytestmark = pytest.mark.integration

NAMES = ("www", "cdn", "img", "app", "q", "t")
SITE = (Path(__file__).parents[2] / "images" / "caddy" / "site" / "index.html").read_bytes()


@pytest.fixture(scope="module")
def beyond() -> Iterator[Outside]:
    with outside() as made:
        yield made


@pytest.mark.parametrize("protocol", ["vlessReality", "vlessWebsocket"])
def test_a_client_made_from_the_outputs_fetches_a_page_through_443(
    deployed: Server, beyond: Outside, protocol: str,
) -> None:
    outputs = deployed.outputs()
    link = outputs["clientLinks"][protocol]
    assert ":443?" in link
    beyond.seen.clear()
    with xray_client(link, outputs["authorityCertificate"]) as socks:
        done = fetch(beyond.url, "--socks5-hostname", socks)
        assert done.stdout == PAGE, done.stderr
        client = socks.partition(":")[0]
    assert beyond.seen
    assert client not in beyond.seen, "the page was asked for by the client itself, not by the server"


def test_a_client_with_a_wrong_identity_gets_nothing(deployed: Server, beyond: Outside) -> None:
    outputs = deployed.outputs()
    link = re.sub(r"vless://\S{8}", "vless://00000000", outputs["clientLinks"]["vlessReality"])
    beyond.seen.clear()
    with xray_client(link, outputs["authorityCertificate"]) as socks:
        done = fetch(beyond.url, "--socks5-hostname", socks, "--retry", "1")
    assert done.stdout != PAGE
    assert beyond.seen == []


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("name", NAMES)
def test_every_other_visitor_gets_the_cover_site(deployed: Server, tmp_path: Path, name: str, version: str) -> None:
    root = tmp_path / "ca.crt"
    root.write_text(deployed.outputs()["authorityCertificate"])
    host = f"{name}.stealth.test"
    done = fetch(f"https://{host}/", "--cacert", str(root), "--resolve", f"{host}:443:127.0.0.1",
                 f"--http{version}", "--write-out", "\n%{http_version} %{http_code}")
    page, _, written = done.stdout.rpartition(b"\n")
    assert written == f"{version} 200".encode(), done.stderr
    assert page == SITE


def test_plain_http_is_sent_to_https(deployed: Server) -> None:
    done = fetch("http://www.stealth.test/bread.html", "--resolve", "www.stealth.test:80:127.0.0.1",
                 "--write-out", "%{http_code} %{redirect_url}")
    assert done.stdout == b"308 https://www.stealth.test/bread.html"


def test_the_panel_answers_at_its_address_and_nowhere_else(deployed: Server, tmp_path: Path) -> None:
    outputs = deployed.outputs()
    root = tmp_path / "ca.crt"
    root.write_text(outputs["authorityCertificate"])
    words = ("--cacert", str(root), "--resolve", "www.stealth.test:443:127.0.0.1")
    assert b"no functions yet" in fetch(outputs["panelUrl"], *words).stdout
    wrong = fetch("https://www.stealth.test/0123456789abcdef01234567/", *words, "--write-out", "%{http_code}")
    assert wrong.stdout.endswith(b"404")
