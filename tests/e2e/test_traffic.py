"""Traffic of real clients through port 443, and what everybody else sees there."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e.client import client
from tests.e2e.deployment import NAMES, SITE, Server
from tests.e2e.outside import PAGE, Outside, is_server
from tests.e2e.programs import PROTOCOLS, program

pytestmark = pytest.mark.integration



@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_client_made_from_the_outputs_fetches_a_page_through_443(
    deployed: Server, beyond: Outside, protocol: str,
) -> None:
    outputs = deployed.outputs()
    link = deployed.links()[protocol]
    beyond.seen.clear()
    with client(protocol.lower(), program(protocol, link), outputs["authorityCertificate"]) as made:
        done = made.fetch_when_ready(beyond.url)
        assert done.stdout == PAGE, f"{done.stderr.decode()}\n{made.logs()}"
    assert beyond.seen
    assert all(map(is_server, beyond.seen)), "the page was asked for by the client itself, not by the server"


@pytest.mark.parametrize(("protocol", "wrong"), [
    ("vlessReality", lambda link: link.replace(link[8:16], "00000000")),
    ("trojan", lambda link: link.replace("trojan://", "trojan://x")),
    ("hysteria2", lambda link: link.replace("hysteria2://", "hysteria2://x")),
])
def test_a_client_with_a_wrong_key_gets_nothing(
    deployed: Server, beyond: Outside, protocol: str, wrong: object,
) -> None:
    assert callable(wrong)
    outputs = deployed.outputs()
    link = wrong(deployed.links()[protocol])
    beyond.seen.clear()
    with client(f"wrong-{protocol.lower()}", program(protocol, link), outputs["authorityCertificate"]) as made:
        assert made.fetch(beyond.url, "--retry", "3", "--retry-all-errors", "--max-time", "5").stdout != PAGE
    assert beyond.seen == []


def visit(host: str, authority: str, folder: Path, *words: str, path: str = "/") -> bytes:
    """Fetch from the public port as a visitor who trusts our authority."""
    root = folder / "ca.crt"
    root.write_text(authority)
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "20", "--cacert", str(root),
         "--resolve", f"{host}:443:127.0.0.1", *words, f"https://{host}{path}"],
        capture_output=True, check=False, timeout=60).stdout


@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("name", NAMES)
def test_every_other_visitor_gets_the_cover_site(deployed: Server, tmp_path: Path, name: str, version: str) -> None:
    answer = visit(f"{name}.stealth.test", deployed.outputs()["authorityCertificate"], tmp_path,
                   f"--http{version}", "--write-out", "\n%{http_version} %{http_code}")
    page, _, written = answer.rpartition(b"\n")
    assert written == f"{version} 200".encode()
    assert page == SITE


def test_plain_http_is_sent_to_https(deployed: Server) -> None:
    done = subprocess.run(
        ["curl", "--silent", "--max-time", "20", "--resolve", "www.stealth.test:80:127.0.0.1",
         "--write-out", "%{http_code} %{redirect_url}", "http://www.stealth.test/bread.html"],
        capture_output=True, check=False, timeout=60)
    assert done.stdout == b"308 https://www.stealth.test/bread.html"


def test_the_panel_answers_at_its_address_and_nowhere_else(deployed: Server, tmp_path: Path) -> None:
    outputs = deployed.outputs()
    authority, host = outputs["authorityCertificate"], "www.stealth.test"
    path = outputs["panelUrl"].removeprefix(f"https://{host}")
    assert b"Sign in" in visit(host, authority, tmp_path, "--location", path=path)
    wrong = visit(host, authority, tmp_path, "--write-out", "%{http_code}", path="/0123456789abcdef01234567/")
    assert wrong.endswith(b"404")
