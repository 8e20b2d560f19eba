"""Probes after a good TLS handshake: HTTP/1.1 requests, HTTP/2 frames, and TLS's own features."""

import ssl
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from hpack import Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from . import answers
from .imposters import Credentials, trojan_request
from .line import Endpoint, Line
from .observation import Observation, time_class
from .probes import NAMES, ROUTED, Probe
from .session import Session, context

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FEW = 8
_V13, _V12 = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2


def exchange(
    name: str | None, *parts: bytes, protocol: str = "http/1.1", client: Callable[[], ssl.SSLContext] | None = None,
    has_bodies: bool = True, patience_seconds: float | None = None, half_close: bool = False,
) -> Callable[[Endpoint], Observation]:
    """Make a look that shakes hands and sends the parts, one after the other's answer."""
    def look(endpoint: Endpoint) -> Observation:
        with Line(endpoint) as line:
            session = Session(line, client() if client else context((protocol,)), name)
            if session.handshake():
                if protocol == "h2":
                    # Go's server gives up on a wrong preface without its SETTINGS, if that came with the handshake's
                    # end: a matter of microseconds, which are told as timing.
                    session.read(enough=bool)
                for part in parts or (b"",):
                    session.send(part)
                    if half_close:
                        line.finish()
                    session.read(patience_seconds)
            seconds = line.seconds if line.end != "open" else patience_seconds or 0
            after = time_class(seconds)
            end = line.close_down()
            said = answers.http2(session.clear) if protocol == "h2" else answers.http1(session.clear, has_bodies)
            return session.observation(answer=said, end=end, after=after)
    return look


def probes(random: Random, domain: str, known: Credentials) -> Iterator[Probe]:
    """Yield all probes of this kind."""
    for label in NAMES:
        name = f"{label}.{domain}"
        for title, parts in _some(label, _requests(name)).items():
            yield Probe(name=f"HTTP/1.1/{label}/{title}", label=label,
                        look=exchange(name, *parts, has_bodies=not title.startswith("HEAD")))
        for title, frames in _some(label, _frames(name)).items():
            yield Probe(name=f"HTTP/2/{label}/{title}", label=label, look=exchange(name, *frames, protocol="h2"))
        yield from _tls(label, name)
        if label in ROUTED:
            yield from _secrets(random, label, name, known)


def _some(label: str, parts: dict[str, tuple[bytes, ...]]) -> dict[str, tuple[bytes, ...]]:
    """Take every part for names with a way of their own through the server, and the first ones for the others."""
    return parts if label in ROUTED else dict(list(parts.items())[:_FEW])


def _get(name: str, path: str = "/", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", f"Host: {name}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def _requests(name: str) -> dict[str, tuple[bytes, ...]]:
    page = _get(name)
    chunked = "Transfer-Encoding: chunked"
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    made: dict[str, tuple[bytes, ...]] = {
        "page": (page,), "missing": (_get(name, "/missing"),), "HEAD": (_get(name, method="HEAD"),),
        "HEAD missing": (_get(name, "/missing", method="HEAD"),), "file": (_get(name, "/index.html"),),
        "folder above": (_get(name, "/../../etc/passwd"),), "encoded": (_get(name, "/%2e%2e/%00"),),
        "bad encoding": (_get(name, "/%zz"),), "double slash": (_get(name, "//index.html"),),
        "query": (_get(name, "/?a=b"),), "hidden": (_get(name, "/.well-known/acme-challenge/x"),),
        "style": (_get(name, "/style.css"),), "robots": (_get(name, "/robots.txt"),),
        "icon": (_get(name, "/favicon.ico"),), "range": (_get(name, "/", "Range: bytes=0-9"),),
        "ranges": (_get(name, "/", "Range: bytes=0-1,5-9"),),
        "range beyond": (_get(name, "/", "Range: bytes=999999-"),),
        "modified since": (_get(name, "/", "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT"),),
        "modified since long ago": (_get(name, "/", "If-Modified-Since: Thu, 01 Jan 1970 00:00:01 GMT"),),
        "none match": (_get(name, "/", 'If-None-Match: "x"'),),
        "none match any": (_get(name, "/", "If-None-Match: *"),),
        "match": (_get(name, "/", 'If-Match: "x"'),), "gzip": (_get(name, "/", "Accept-Encoding: gzip, br, zstd"),),
        "long address": (_get(name, "/" + "a" * 8000),), "too long": (_get(name, "/", "X: " + "a" * 1100000),),
        "many fields": (_get(name, "/", *(f"X-{index}: y" for index in range(200))),),
        "bad line": (b"garbage\r\n\r\n",), "bad version": (_get(name, version="9.9"),),
        "HTTP/1.0": (_get(name, version="1.0"),),
        "HTTP/1.0 kept": (_get(name, "/", "Connection: keep-alive", version="1.0"),),
        "close": (_get(name, "/", "Connection: close"),), "no host": (b"GET / HTTP/1.1\r\n\r\n",),
        "two hosts": (_get(name, "/", "Host: other.example"),), "other host": (_get("other.example"),),
        "host with port": (_get(f"{name}:443"),), "host in capitals": (_get(name.upper()),), "bad host": (_get("a b"),),
        "empty host": (_get(""),), "address as host": (_get("192.0.2.1"),),
        "absolute": (_get(name, f"https://{name}/"),), "absolute elsewhere": (_get(name, "http://other.example/"),),
        "CONNECT": (_get("example.com:443", "example.com:443", method="CONNECT"),),
        "asterisk": (_get(name, "*", method="OPTIONS"),),
        "expect": (_get(name, "/", "Expect: 100-continue", "Content-Length: 2", method="POST"), b"hi"),
        "expect other": (_get(name, "/", "Expect: tea"),),
        "body": (_get(name, "/", "Content-Length: 2", method="POST") + b"hi",),
        "chunks": (_get(name, "/", chunked, method="POST") + b"2\r\nhi\r\n0\r\n\r\n",),
        "bad chunks": (_get(name, "/", chunked, method="POST") + b"zz\r\n",),
        "both lengths": (_get(name, "/", chunked, "Content-Length: 3", method="POST") + b"0\r\n\r\n",),
        "bad length": (_get(name, "/", "Content-Length: -1", method="POST"),),
        "other encoding": (_get(name, "/", "Transfer-Encoding: gzip", method="POST"),),
        "slow body": (_get(name, "/", "Content-Length: 9", method="POST") + b"slow", b"ly", b"yyy"),
        "folded field": (_get(name, "/", "X: a", " b"),), "field without colon": (_get(name, "/", "nonsense"),),
        "space before colon": (_get(name, "/", "X : a"),), "NUL in field": (_get(name, "/", "X: a\0b"),),
        "bare line ends": (page.replace(b"\r\n", b"\n"),), "empty line first": (b"\r\n" + page,),
        "kept alive": (page, _get(name, "/missing"), page), "pipelined": (page + _get(name, "/missing") + page,),
        "half a request": (page[:12],), "preface": (_PREFACE,),
        "preface and settings": (_PREFACE + _h2(SettingsFrame(0)),),
        "upgrade to h2c": (_get(name, "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABk"),),
        "WebSocket": (_get(name, "/", *upgrade),), "WebSocket on a guess": (_get(name, "/ws", *upgrade),),
        "TLS inside": (b"\x16\3\1\0\5hello",), "SSH inside": (b"SSH-2.0-x\r\n",), "SOCKS inside": (b"\5\1\0",),
        "NULs": (bytes(58),), "line ends": (b"\r\n\r\n\r\n",),
    }
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "BREW", ""):
        made[f"method {method or 'none'}"] = (_get(name, method=method),)
    return made


def _secrets(random: Random, label: str, name: str, known: Credentials) -> Iterator[Probe]:
    """Yield what clients of the protocols inside TLS would say, with wrong keys."""
    guesses: dict[str, bytes] = {
        "Trojan": trojan_request(random.randbytes(12).hex()), "Trojan without address": trojan_request("x")[:58],
        "Trojan cut": trojan_request("x")[:30], "Trojan with a wrong end": trojan_request("x").replace(b"\r\n", b"\n\r",
        1),
        "VLESS": b"\0" + random.randbytes(16) + b"\0\1\0\x50\2\x0bexample.com", "VMess": random.randbytes(61),
        "Shadowsocks": random.randbytes(90), "Shadowsocks short": random.randbytes(30),
        "ShadowTLS data": random.randbytes(140)}
    if label != "app":
        guesses["Trojan of another name"] = trojan_request(known.trojan_password)
    for title, said in guesses.items():
        yield Probe(name=f"inside TLS/{label}/{title}", look=exchange(name, said), label=label)
        yield Probe(name=f"inside TLS/{label}/{title}, h2", look=exchange(name, said, protocol="h2"), label=label)
        yield Probe(name=f"inside TLS/{label}/{title}, half closed", label=label,
                    look=exchange(name, said, half_close=True))
    for turn in range(4):
        path = f"/{random.randbytes(12).hex()}"
        upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
        yield Probe(name=f"inside TLS/{label}/WebSocket path guessed {turn}", label=label,
                    look=exchange(name, _get(name, path, *upgrade)))
    for title, text in (("nothing", ()), ("half a request", (b"GET / HT",)), ("one request", (_get(name),))):
        # Plain Caddy's read_header_timeout is 60 s, its idle timeout 5 minutes; the latter is not waited for.
        yield Probe(name=f"patience/inside TLS/{label}/{title}", label=label, is_slow=True,
                    look=exchange(name, *(text or (b"",)), patience_seconds=75))


def _tls(label: str, name: str) -> Iterator[Probe]:
    """Yield handshakes of every version, suite and curve that OpenSSL still speaks, and its other features."""
    page = _get(name)
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, _V12, _V13):
        yield Probe(name=f"TLS/{label}/{version.name}", label=label, look=exchange(
            name, page, client=partial(context, ("http/1.1",), version)))
    for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
                   "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"):
        yield Probe(name=f"TLS/{label}/{cipher}", label=label, look=exchange(
            name, page, client=partial(context, ("http/1.1",), _V12, cipher)))
    for curve in ("prime256v1", "secp384r1", "secp521r1"):
        for version in (_V12, _V13):
            yield Probe(name=f"TLS/{label}/{version.name} {curve}", label=label, look=exchange(
                name, page, client=partial(context, ("http/1.1",), version, curve=curve)))
    for protocols in ((), ("h2",), ("h2", "http/1.1"), ("http/1.1", "h2"), ("http/1.0",), ("h3",),
        ("spdy/3", "http/1.1")):
        yield Probe(name=f"TLS/{label}/ALPN {' '.join(protocols) or 'none'}", label=label, look=exchange(
            name, client=partial(context, protocols)))
    for version in (_V12, _V13):
        yield Probe(name=f"TLS/{label}/resumed {version.name}", look=_resumed(name, version), label=label)
        yield Probe(name=f"TLS/{label}/close_notify {version.name}", look=_closed(name, version), label=label)


def _resumed(name: str, version: ssl.TLSVersion) -> Callable[[Endpoint], Observation]:
    """Make a look that takes a ticket and shakes hands with it (RFC 8446 section 2.2, RFC 5077)."""
    def look(endpoint: Endpoint) -> Observation:
        client = context(("http/1.1",), version)
        with Line(endpoint) as line:
            first = Session(line, client, name)
            if not first.handshake():
                return first.observation(end=line.close_down())
            first.send(_get(name))
            first.read()
            ticket = first.tls.session
        with Line(endpoint) as line:
            second = Session(line, client, name, ticket)
            if second.handshake():
                second.send(_get(name))
                second.read()
            said = (f"resumed {second.tls.session_reused}", *answers.http1(second.clear))
            return second.observation(answer=said, end=line.close_down())
    return look


def _closed(name: str, version: ssl.TLSVersion) -> Callable[[Endpoint], Observation]:
    """Make a look that says close_notify, and sees whether the server answers with its own."""
    def look(endpoint: Endpoint) -> Observation:
        with Line(endpoint) as line:
            session = Session(line, context(("http/1.1",), version), name)
            if session.handshake():
                session.close_notify()
                session.read()
            return session.observation(end=line.close_down())
    return look


def _h2(*frames: Frame) -> bytes:
    return b"".join(frame.serialize() for frame in frames)


def _headers(name: str, path: str = "/", stream: int = 1, end: bool = True, **more: str) -> HeadersFrame:
    frame = HeadersFrame(stream, flags=["END_HEADERS", *(["END_STREAM"] if end else [])])
    fields = {":method": "GET", ":scheme": "https", ":authority": name, ":path": path} | {
        key.replace("__", ":").replace("_", "-"): value for key, value in more.items()}
    frame.data = Encoder().encode(list(fields.items()))
    return frame


def _frames(name: str) -> dict[str, tuple[bytes, ...]]:
    start = _PREFACE + _h2(SettingsFrame(0))
    acknowledgement = _h2(SettingsFrame(0, flags=["ACK"]))
    page = _h2(_headers(name))

    def settings(**values: int) -> bytes:
        numbers = {"header_table": 1, "push": 2, "streams": 3, "window": 4, "frame": 5, "list": 6, "connect": 8,
            "grease": 0x0A0A}
        return _PREFACE + _h2(SettingsFrame(0, settings={numbers[key]: value for key, value in values.items()}))

    return {
        "settings": (start, acknowledgement), "page": (start, acknowledgement + page),
        "at once": (start + acknowledgement + page,),
        "missing": (start, page, _h2(_headers(name, "/missing", 3))),
        "HEAD": (start, _h2(_headers(name, __method="HEAD"))),
        "POST": (start, _h2(_headers(name, end=False, __method="POST"), DataFrame(1, b"hi", flags=["END_STREAM"]))),
        "CONNECT": (start, _h2(_headers(name, __method="CONNECT"))),
        "other host": (start, _h2(_headers("other.example"))),
        "no path": (start, _h2(_headers(name, ""))), "bad path": (start, _h2(_headers(name, "nothing"))),
        "upper case field": (start, _h2(_headers(name, Upper="x"))),
        "connection field": (start, _h2(_headers(name, connection="close"))),
        "two hosts": (start, _h2(_headers(name, host="other.example"))),
        "unknown pseudo field": (start, _h2(_headers(name, __protocol="websocket"))),
        "plain scheme": (start, _h2(_headers(name, __scheme="http"))),
        "range": (start, _h2(_headers(name, range="bytes=0-9"))),
        "long field": (start, _h2(_headers(name, x="a" * 12000))),
        "even stream": (start, _h2(_headers(name, stream=2))),
        "stream 0": (start, _h2(HeadersFrame(1, data=b"\x82")).replace(b"\0\0\0\1", b"\0\0\0\0")),
        "half a header block": (start, _h2(HeadersFrame(1, data=b"\x82", flags=["END_STREAM"]))),
        "bad header block": (start, _h2(HeadersFrame(1, data=b"\xff\xff\xff\xff\xff", flags=["END_HEADERS"]))),
        "data without headers": (start, _h2(DataFrame(1, b"hi"))),
        "reset of nothing": (start, _h2(RstStreamFrame(1, error_code=8))),
        "ping": (start, _h2(PingFrame(0, opaque_data=b"12345678"))), "short ping": (start, b"\0\0\4\6\0\0\0\0\0ping"),
        "go away": (start, _h2(GoAwayFrame(0, last_stream_id=0, error_code=0))),
        "window of 0": (start, _h2(WindowUpdateFrame(0, 1)).replace(b"\0\0\0\1", bytes(4))),
        "window too large": (start, _h2(WindowUpdateFrame(0, 0x7FFFFFFF))),
        "priority": (start, _h2(PriorityFrame(1, depends_on=0, stream_weight=5))),
        "unknown frame": (start, b"\0\0\3\xaa\0\0\0\0\0abc"),
        "too large a frame": (start, b"\0\xff\xff\0\0\0\0\0\1" + bytes(65535)),
        "push promise": (start, b"\0\0\4\5\4\0\0\0\1\0\0\0\2"), "preface only": (_PREFACE,),
        "half a preface": (_PREFACE[:10],),
        "no preface": (_h2(SettingsFrame(0)),), "wrong preface": (_PREFACE.replace(b"2.0", b"2.1"),),
        "headers first": (_PREFACE + page,),
        "HTTP/1.1": (_get(name),), "garbage": (bytes(range(200)),), "garbage after": (start, bytes(range(200))),
        "small window": (settings(window=10), page), "window too big": (settings(window=1 << 31),),
        "push 2": (settings(push=2),),
        "frame too small": (settings(frame=100),), "frame of most": (settings(frame=16777215), page),
        "no table": (settings(header_table=0), page),
        "no streams": (settings(streams=0), page), "short list": (settings(list=1), page),
        "unknown setting": (settings(grease=7), page),
        "extended CONNECT": (settings(connect=1), page),
        "settings acknowledged with content": (start, b"\0\0\6\4\1\0\0\0\0\0\3\0\0\0\1"),
        "settings of 5 bytes": (_PREFACE + b"\0\0\5\4\0\0\0\0\0abcde",),
        "settings on a stream": (_PREFACE + b"\0\0\0\4\0\0\0\0\1",),
    }
