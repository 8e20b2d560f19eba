"""What a visitor or a censor sees on 443: what a plain Caddy with the same files shows, and nothing of a tunnel."""

import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.deployment import NAMES, SITE, Server, healthy, ids, names, stopped
from tests.e2e.outside import SERVER_ADDRESS, Outside
from tests.e2e.visitor import DOMAIN, VERSIONS, Visitor, comparable, plain_caddy, tell, tell_each, visitor

pytestmark = pytest.mark.integration

WWW = f"www.{DOMAIN}"
# Requests of one connection, each with the words that curl takes for it.
REQUESTS = (
    ("/",), ("/bread.html",), ("/favicon.ico", "--output", "-"), ("/missing",), ("/", "--head"), ("/missing", "--head"),
    ("/", "--data", "x"), ("/missing", "--data", "x"), ("/", "--request", "OPTIONS"), ("/style.css", "--range", "0-9"),
    ("/", "--header", "Host: elsewhere.example"),
    ("/", "--header", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"))


@pytest.fixture(scope="module")
def somebody(beyond: Outside, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """A visitor without any key."""
    with visitor("somebody", tmp_path_factory.mktemp("somebody"), server.outputs()["authorityCertificate"]) as made:
        yield made


@pytest.fixture(scope="module")
def plain(beyond: Outside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a plain Caddy."""
    with plain_caddy(tmp_path_factory.mktemp("plain")) as address:
        yield address


def all_requests(host: str, version: str, *trust: str) -> list[str]:
    words: list[str] = []
    for path, *more in REQUESTS:  # each after --next begins without the options before
        words += ["--silent", "--include", *trust, version, *more, f"https://{host}{path}", "--next"]
    return words[:-1]


def without_invitation(answers: bytes) -> bytes:
    return re.sub(rb"(?im)^alt-svc: [^\r]*\r\n", b"", answers)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", [name for name in NAMES if name != "t"])
def test_every_name_answers_as_a_plain_caddy_over_every_version(
    deployed: Server, somebody: Visitor, plain: str, name: str, version: str,
) -> None:
    host = f"{name}.{DOMAIN}"
    ours = somebody.curl(host, *all_requests(host, version, "--cacert", "/visitor/ca.crt"))
    theirs = somebody.curl(host, *all_requests(host, version, "--insecure"), at=plain)
    assert theirs.stdout.count(b"HTTP/") == len(REQUESTS), theirs.stderr
    assert ours.returncode == 0, ours.stderr
    assert comparable(ours.stdout, version) == comparable(theirs.stdout, version)


@pytest.mark.parametrize("version", VERSIONS[:2])
def test_tuic_s_name_answers_as_the_others_and_invites_nobody_to_http_3(
    deployed: Server, somebody: Visitor, plain: str, version: str,
) -> None:
    host = f"t.{DOMAIN}"
    ours = somebody.curl(host, *all_requests(host, version, "--cacert", "/visitor/ca.crt")).stdout
    theirs = somebody.curl(host, *all_requests(host, version, "--insecure"), at=plain).stdout
    assert comparable(without_invitation(ours), version) == comparable(without_invitation(theirs), version)
    # Another host than ours is answered as everywhere.
    assert ours.lower().count(b"alt-svc") == sum("Host: elsewhere.example" in words for words in REQUESTS) == 1


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("host", [SERVER_ADDRESS, "unknown.example"], ids=["none", "unknown"])
def test_without_a_known_server_name_it_is_the_site_with_its_certificate(
    deployed: Server, somebody: Visitor, host: str, version: str,
) -> None:
    done = somebody.curl(host, "--insecure", version, "--header", f"Host: {WWW}",
                         "--write-out", "%{stderr}%{certs}", f"https://{host}/")
    assert done.stdout == SITE
    assert f"DNS:{WWW}".encode() in done.stderr.split(b"-----END CERTIFICATE-----")[0]


@pytest.mark.parametrize("host", [WWW, "unknown.example"])
def test_plain_http_is_answered_as_by_a_plain_caddy(
    deployed: Server, somebody: Visitor, plain: str, host: str,
) -> None:
    ours, theirs = (somebody.curl(host, "--include", f"http://{host}/bread.html?a=b", at=at).stdout
                    for at in (SERVER_ADDRESS, plain))
    assert ours.startswith(b"HTTP/1.1 308 ")
    assert comparable(ours) == comparable(theirs)


HANDSHAKE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # RFC 6455 section 1.3
CHISEL = HANDSHAKE | {"Sec-WebSocket-Protocol": "chisel-v3"}


def request(method: str, path: str, headers: dict[str, str], body: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {WWW}", *(f"{key}: {value}" for key, value in headers.items())]
    return "\r\n".join([*lines, "", body]).encode()


Cases = dict[str, tuple[str, dict[str, str]]]
REFUSED: Cases = {
    "a page": ("GET", {}), "its head": ("HEAD", {}), "options": ("OPTIONS", {}),
    "a form": ("POST", {"Content-Length": "0"}),
    "no key": ("GET", {**HANDSHAKE, "Sec-WebSocket-Key": ""}),
    "a bad key": ("GET", {**HANDSHAKE, "Sec-WebSocket-Key": "x"}),
    "another version": ("GET", {**HANDSHAKE, "Sec-WebSocket-Version": "8"}),
    "another protocol": ("GET", {**HANDSHAKE, "Sec-WebSocket-Protocol": "chat"}),
    "another method": ("POST", {**HANDSHAKE, "Content-Length": "0"}),
    "HTTP/2": ("GET", {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c",
                       "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA"}),
}


def secret_paths(server: Server) -> dict[str, str]:
    links = server.links()
    (websocket,) = parse_qs(urlsplit(links["vlessWebsocket"]).query)["path"]
    tunnel = re.search(rf"https://{WWW}(?::443)?(/\S+) ", links["wireguardWebsocket"])
    assert tunnel
    return {"vless": websocket, "wireguard": tunnel[1]}


def test_a_secret_path_without_its_handshake_is_a_missing_page(deployed: Server, plain: str) -> None:
    for purpose, path in secret_paths(deployed).items():
        missing = "/" + secrets.token_hex(len(path))[1:len(path)]
        cases = REFUSED | {"the other's handshake": ("GET", CHISEL if purpose == "vless" else HANDSHAKE)}

        def ask_each(address: str, asked: str, cases: Cases = cases) -> dict[str, tuple[bytes, str]]:
            return tell_each(address, WWW, {
                case: ("http/1.1", request(method, asked, headers)) for case, (method, headers) in cases.items()})

        found = ask_each("127.0.0.1", path)
        assert {answer.split(b"\r\n")[0] for answer, _ in found.values()} == {b"HTTP/1.1 404 Not Found"}
        assert found == ask_each("127.0.0.1", missing), purpose
        assert found == ask_each(plain, missing), purpose


def test_only_the_complete_handshake_opens_a_secret_path(deployed: Server) -> None:
    paths = secret_paths(deployed)
    for path, headers in ((paths["vless"], HANDSHAKE), (paths["wireguard"], CHISEL)):
        answer, _ = tell("127.0.0.1", WWW, request("GET", path, headers))
        assert answer.startswith(b"HTTP/1.1 101 "), path
        assert b"\r\nVia:" not in answer
        other_name, _ = tell("127.0.0.1", f"cdn.{DOMAIN}", request("GET", path, headers))
        assert other_name.startswith(b"HTTP/1.1 404 "), "behind another tunnel's name there is no secret path"


def test_a_secret_path_whose_daemon_is_gone_is_a_missing_page(deployed: Server, somebody: Visitor) -> None:
    path = secret_paths(deployed)["wireguard"]
    words = [word for key, value in CHISEL.items() for word in ("--header", f"{key}: {value}")]
    with stopped("wireguard"):
        gone, missing = (somebody.curl(WWW, "--include", "--http1.1", *words, f"https://{WWW}{asked}").stdout
                         for asked in (path, "/missing"))
    assert gone.startswith(b"HTTP/1.1 404 ")
    assert comparable(gone) == comparable(missing)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_user_s_link_is_a_missing_page_while_the_panel_is_gone(
    deployed: Server, somebody: Visitor, version: str,
) -> None:
    link = deployed.outputs()["subscriptionUrl"]
    with stopped("admin"):
        gone, missing = (comparable(somebody.curl(WWW, "--include", version, url).stdout, version)
                         for url in (link, f"https://{WWW}/missing"))
    assert b" 404" in gone.split(b"\r\n")[0]
    assert gone == missing


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 section 3.4
GARBAGE = {
    "a word": ("http/1.1", b"garbage\r\n\r\n"), "a byte": ("http/1.1", b"\x16\r\n"),
    "noise": ("http/1.1", bytes(range(14, 256)) * 2 + b"\r\n\r\n"),
    "a wrong password": ("http/1.1", b"0" * 56 + b"\r\n\x01\x03\x0bexample.com\x01\xbb\r\nGET / HTTP/1.1\r\n\r\n"),
    "no host": ("http/1.1", b"GET / HTTP/1.0\r\n\r\n"),
    "another host": ("http/1.1", b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n"),
    "a page": ("http/1.1", f"GET / HTTP/1.1\r\nHost: app.{DOMAIN}\r\n\r\n".encode()),
    "nothing over HTTP/2": ("h2", b""), "a preface": ("h2", PREFACE + b"\0\0\0\4\0\0\0\0\0"),
    "HTTP/1.1 over HTTP/2": ("h2", b"GET / HTTP/1.1\r\n\r\n"),
}


@pytest.mark.parametrize("name", NAMES)
def test_garbage_is_answered_and_hung_up_on_as_by_a_plain_caddy(deployed: Server, plain: str, name: str) -> None:
    host = f"{name}.{DOMAIN}"
    ours, theirs = tell_each("127.0.0.1", host, GARBAGE), tell_each(plain, host, GARBAGE)
    if name == "t":
        ours, theirs = ({case: (without_invitation(answer), end) for case, (answer, end) in found.items()}
                        for found in (ours, theirs))
    assert ours == theirs


def test_over_http_3_the_panel_and_the_secret_paths_are_as_over_http_2(deployed: Server, somebody: Visitor) -> None:
    panel = deployed.outputs()["panelUrl"]
    for url in (panel, *(f"https://{WWW}{path}" for path in secret_paths(deployed).values())):
        over_2, over_3 = (somebody.curl(WWW, "--include", version, url).stdout for version in VERSIONS[1:])
        assert (b"/login" in over_3) == (url == panel)
        status, _, rest = without_invitation(over_2).partition(b"\r\n")
        assert comparable(status.replace(b"HTTP/2", b"HTTP/3") + b"\r\n" + rest, "--http3-only") == comparable(
            over_3, "--http3-only")


def test_over_http_3_each_address_has_its_own_limit_of_logins(
    deployed: Server, tmp_path: Path,
) -> None:
    outputs = deployed.outputs()

    def login(who: Visitor) -> bytes:
        return who.curl(WWW, "--http3-only", "--data", "x", "--output", "/dev/null", "--write-out", "%{http_code}",
                        outputs["panelUrl"] + "login", at="172.20.0.10").stdout

    # Beside Caddy, for the engine gives all that comes from its other networks one address.
    with (visitor("one", tmp_path, outputs["authorityCertificate"], "stealth-vpn") as one,
          visitor("other", tmp_path, outputs["authorityCertificate"], "stealth-vpn") as other):
        found = [login(one) for _ in range(6)]
        assert found[5] == b"429"
        assert b"429" not in found[:5]
        assert login(other) == found[0]


FIRST, SECOND, NOTHING, PICTURE = b"a first page", b"another first page", b"no page", bytes(range(256)) * 300


def test_the_operator_s_own_site_is_shown_as_it_is_now_and_replaces_caddy_alone(
    deployed: Server, somebody: Visitor,
) -> None:
    def fetch(path: str) -> bytes:
        return somebody.curl(WWW, "--http3-only", f"https://{WWW}{path}").stdout

    folder = deployed.folder / "pages"
    (folder / "pictures").mkdir(parents=True)
    for name, content in {"index.html": FIRST, "404.html": NOTHING, "old.html": b"old", ".hidden": b"hidden",
                          "pictures/plum.png": PICTURE}.items():
        (folder / name).write_bytes(content)
    before = ids()
    deployed.configure(siteDir="pages")
    deployed.up()
    assert {name for name, found in ids().items() if found != before[name]} == {"caddy"}
    assert [fetch(path) for path in ("/", "/old.html", "/pictures/plum.png", "/bread.html", "/.hidden")] == [
        FIRST, b"old", PICTURE, NOTHING, NOTHING]
    (folder / "index.html").write_bytes(SECOND)
    (folder / "old.html").unlink()
    previewed = deployed.ops("preview").stdout
    assert set(re.findall(r"Container::(stealth-[a-z-]+)", previewed)) == {"stealth-caddy", "stealth-site-writer"}
    before = ids()
    deployed.up()
    assert {name for name, found in ids().items() if found != before[name]} == {"caddy"}
    assert [fetch(path) for path in ("/", "/old.html")] == [SECOND, NOTHING]
    assert SECOND.decode() not in deployed.pulumi("stack", "export").stdout
    assert len(names("volume", "name=stealth-site-")) == 1
    deployed.configure()
    deployed.up()
    assert fetch("/") == SITE
    assert names("volume", "name=stealth-site-") | names("container", "name=stealth-site-") == set()
    assert healthy() == set(before)
