"""Probes of 443/udp: single datagrams, and whole handshakes with HTTP/3 by aioquic."""

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, QuicEvent
from cryptography.hazmat.primitives.serialization import Encoding

from . import answers, records
from .line import Endpoint
from .observation import Observation
from .probes import NAMES, Probe

_V1, _V2 = 0x00000001, 0x6B3343CF
_VERSIONS = {"v1": _V1, "v2": _V2, "draft 29": 0xFF00001D, "draft 27": 0xFF00001B, "Q050": 0x51303530,
    "Q046": 0x51303436,
             "GREASE": 0x1A2A3A4A, "negotiation": 0, "unknown": 0x12345678}
_MOST_DATAGRAMS = 64
_HANDSHAKE_SECONDS = 5
_LEAST_BYTES = 1200
"""Of a client's first datagram (RFC 9000 section 14.1)."""


def probes(random: Random, domain: str) -> Iterator[Probe]:
    """Yield all probes of UDP."""
    for label in NAMES:
        name = f"{label}.{domain}"
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            yield _probe(f"h3/{label}/{method}", _ask(name, method, "/"), label)
        yield _probe(f"h3/{label}/missing", _ask(name, "GET", "/missing"), label)
        yield _probe(f"h3/{label}/other host", _ask(name, "GET", "/", authority="other.example"), label)
        yield _probe(f"h3/{label}/other protocol", _ask(name, "GET", "/", protocol="hq-interop"), label)
        yield from _flights(random, label, name)
    others: dict[str, str | None] = {"none": None, "unknown": "unknown.example", "capitals": f"WWW.{domain}".upper()}
    for title, other in others.items():
        yield _probe(f"h3/{title}/GET", _ask(other, "GET", "/"), title)
    yield from _noise(random)


def _probe(name: str, look: Callable[[Endpoint], Observation], label: str = "") -> Probe:
    return Probe(name=f"udp/{name}", look=look, label=label)


def first_flight(name: str | None, version: int = _V1) -> list[bytes]:
    """Return the datagrams that begin a connection."""
    connection = _connection(name, "h3", version)
    connection.connect(("192.0.2.1", 443), now=0)
    return [data for data, _ in connection.datagrams_to_send(now=0)]


def _connection(name: str | None, protocol: str, version: int = _V1) -> QuicConnection:
    return QuicConnection(configuration=QuicConfiguration(
        is_client=True, alpn_protocols=[protocol], server_name=name, verify_mode=ssl.CERT_NONE,
        original_version=version, supported_versions=[version]))


def datagrams(*sent: bytes) -> Callable[[Endpoint], Observation]:
    """Make a look that sends datagrams from one port and takes what comes back."""
    def look(endpoint: Endpoint) -> Observation:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.connect((endpoint.host, endpoint.port))
            plain.settimeout(endpoint.quiet_seconds)
            for data in sent:
                plain.send(data)
            # Only the kinds: a server repeats what is not acknowledged, by its own clock.
            return Observation(answer=tuple(dict.fromkeys(_described(data) for data in _received(plain))))
    return look


def _received(plain: socket.socket) -> Iterator[bytes]:
    for _ in range(_MOST_DATAGRAMS):
        try:
            yield plain.recv(1 << 16)
        except TimeoutError:
            return


def _described(data: bytes) -> str:
    """Describe a datagram by its first packet (RFC 9000 section 17.2)."""
    if len(data) < 7 or not data[0] & 0x80:
        return f"short header or none, {len(data)} bytes"
    version = int.from_bytes(data[1:5])
    if version:
        return f"long header type {data[0] >> 4 & 3} version {version:08x}"
    position = 6 + data[5]
    offered = data[position + 1 + data[position]:]
    # RFC 9000 section 6.3: a server may add versions of the pattern ?a?a?a?a, and quic-go draws them by lot.
    words = [word for (word,) in struct.iter_unpack(">I", offered[:len(offered) // 4 * 4])]
    return f"negotiation of {sorted(f'{word:08x}' for word in words if word & 0x0F0F0F0F != 0x0A0A0A0A)}"


def _flights(random: Random, label: str, name: str) -> Iterator[Probe]:
    whole = first_flight(name)
    flight = whole[0]
    for title, version in _VERSIONS.items():
        yield _probe(f"version/{label}/{title}", datagrams(flight[:1] + version.to_bytes(4) + flight[5:]), label)
    yield _probe(f"initial/{label}/v1", datagrams(*whole), label)
    yield _probe(f"initial/{label}/v2", datagrams(*first_flight(name, _V2)), label)
    for size in (20, 100, 600, 1100, _LEAST_BYTES - 1):
        yield _probe(f"initial/{label}/first {size} bytes", datagrams(flight[:size]), label)
    for turn in range(4):
        place = random.randrange(len(flight))
        changed = flight[:place] + bytes([flight[place] ^ 1 << random.randrange(8)]) + flight[place + 1:]
        yield _probe(f"initial/{label}/changed {turn}", datagrams(changed), label)
    yield _probe(f"initial/{label}/replayed", datagrams(*whole, *whole), label)
    yield _probe(f"initial/{label}/with a tail", datagrams(*(part + bytes(50) for part in whole)), label)
    yield _probe(f"initial/{label}/no source id", datagrams(_without_ids(flight)), label)


def _without_ids(flight: bytes) -> bytes:
    """Return an Initial whose connection ids are empty; its protection no longer fits."""
    position = 6 + flight[5]
    rest = flight[position + 1 + flight[position]:]
    return (flight[:5] + b"\0\0" + rest).ljust(_LEAST_BYTES, b"\0")


def _noise(random: Random) -> Iterator[Probe]:
    for size in (1, 4, 20, 32, 64, 148, 500, _LEAST_BYTES, 1400):
        for turn, mask in enumerate((0x00, 0x40, 0x80, 0xC0)):
            noise = bytes([random.randrange(64) | mask]) + random.randbytes(size - 1)
            yield _probe(f"noise/{size} bytes {turn}", datagrams(noise))
    for kind, size in ((1, 148), (2, 92), (3, 64), (4, 32), (4, 128), (1, 147), (1, 149), (5, 148)):
        message = bytes((kind, 0, 0, 0)) + random.randbytes(size - 4)
        yield _probe(f"WireGuard/type {kind} of {size} bytes", datagrams(message))
        yield _probe(f"WireGuard/type {kind} of {size} bytes, twice", datagrams(message, message))
    for title, data in (("DNS", b"\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1"),
        ("STUN", b"\0\1\0\0\x21\x12\xa4\x42" + random.randbytes(12)),
                        ("DTLS", b"\x16\xfe\xfd" + bytes(50)), ("OpenVPN", b"\x38" + random.randbytes(13)),
                        ("NTP", b"\x1b" + bytes(47))):
        yield _probe(f"other/{title}", datagrams(data))


def _ask(name: str | None, method: str, path: str, authority: str = "", protocol: str = "h3") -> Callable[[Endpoint],
    Observation]:
    """Make a look that shakes hands and asks for one page."""
    def look(endpoint: Endpoint) -> Observation:
        connection = _connection(name, protocol)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.connect((endpoint.host, endpoint.port))
            visit = _Visit(connection, plain, protocol)
            visit.go(method, path, authority or name or "none.example")
        return visit.observation()
    return look


class _Visit:
    """A QUIC connection driven by hand: aioquic's own loop would need asyncio for one exchange."""

    def __init__(self, connection: QuicConnection, plain: socket.socket, protocol: str) -> None:
        self._connection, self._plain, self._protocol = connection, plain, protocol
        self._http: H3Connection | None = None
        self._said: list[str] = []
        self._body = b""
        self._agreed, self._end, self._settings = "no handshake", "open", ""
        self._done = False

    def go(self, method: str, path: str, authority: str) -> None:
        """Shake hands, ask, and read until the answer is whole or time is up."""
        self._connection.connect(("192.0.2.1", 443), now=time.monotonic())
        end = time.monotonic() + _HANDSHAKE_SECONDS
        while not self._done and time.monotonic() < end:
            self._flush()
            self._take()
            while event := self._connection.next_event():
                self._on(event, method, path, authority)
        self._connection.close()
        self._flush()

    def observation(self) -> Observation:
        """Say what was seen."""
        tls: Any = self._connection.tls
        shown = [tls._peer_certificate, *tls._peer_certificate_chain] if tls._peer_certificate else []
        return Observation(
            connection=self._agreed, protocol=self._settings, end=self._end,
            certificates=tuple(records.shape(found.public_bytes(Encoding.DER)) for found in shown),
            answer=(*self._said, answers.body_line(self._body)))

    def _flush(self) -> None:
        for data, _ in self._connection.datagrams_to_send(now=time.monotonic()):
            self._plain.send(data)

    def _take(self) -> None:
        at = self._connection.get_timer()
        self._plain.settimeout(max(0.01, min(1.0, (at or time.monotonic() + 1) - time.monotonic())))
        try:
            self._connection.receive_datagram(self._plain.recv(1 << 16), ("192.0.2.1", 443), now=time.monotonic())
        except TimeoutError:
            self._connection.handle_timer(now=time.monotonic())

    def _on(self, event: QuicEvent, method: str, path: str, authority: str) -> None:
        if isinstance(event, HandshakeCompleted):
            self._agreed = f"ALPN {event.alpn_protocol}"
            if self._protocol == "h3":
                self._http = H3Connection(self._connection)
                self._http.send_headers(0, [(b":method", method.encode()), (b":scheme", b"https"),
                                            (b":authority", authority.encode()), (b":path", path.encode())],
                                            end_stream=True)
        elif isinstance(event, ConnectionTerminated):
            self._end, self._done = f"code {event.error_code} {event.reason_phrase}", True
        if self._http:
            for found in self._http.handle_event(event):
                self._read(found)

    def _read(self, found: Any) -> None:
        if isinstance(found, HeadersReceived):
            # Sorted: quic-go writes them in the order of a Go map, which is another each time.
            self._said += sorted(answers.without_date(f"{name.decode('latin-1')}: {value.decode('latin-1')}")
                                 for name, value in found.headers)
        elif isinstance(found, DataReceived):
            self._body += found.data
        self._done |= bool(getattr(found, "stream_ended", False))
        if self._http:
            self._settings = str(self._http.received_settings)
