"""Builds TLS ClientHellos byte by byte (RFC 8446 section 4.1.2), so that they can be wrong in any way."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519

TLS13, TLS12, TLS11, TLS10 = 0x0304, 0x0303, 0x0302, 0x0301
X25519, P256, P384, P521, X25519MLKEM768 = 0x001D, 0x0017, 0x0018, 0x0019, 0x11EC
CIPHERS = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D)
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
_HANDSHAKE = 22
_CURVES: dict[int, Callable[[], ec.EllipticCurve]] = {P256: ec.SECP256R1, P384: ec.SECP384R1, P521: ec.SECP521R1}


@dataclass(frozen=True, kw_only=True)
class Hello:
    """A ClientHello as a browser might send it, unless a field says otherwise."""

    random: bytes
    session_id: bytes
    shares: tuple[tuple[int, bytes], ...]
    """Key shares: group and public key."""

    name: bytes | None = None
    """Server name, or None for no such extension."""

    versions: tuple[int, ...] = (TLS13, TLS12)
    """Of the extension supported_versions; empty for a hello without it."""

    legacy_version: int = TLS12
    ciphers: tuple[int, ...] = CIPHERS
    groups: tuple[int, ...] = (X25519, P256, P384)
    protocols: tuple[bytes, ...] = (b"h2", b"http/1.1")
    compressions: bytes = b"\0"
    more: tuple[tuple[int, bytes], ...] = ()
    """Extensions put at the end: type and content."""

    first: tuple[tuple[int, bytes], ...] = field(default=())
    """Extensions put in front."""

    def message(self) -> bytes:
        """Return the handshake message, without a record around it."""
        ciphers = b"".join(struct.pack(">H", cipher) for cipher in self.ciphers)
        body = (struct.pack(">H", self.legacy_version) + self.random + _vector(1, self.session_id)
                + _vector(2, ciphers) + _vector(1, self.compressions) + _vector(2, b"".join(self._extensions())))
        return b"\1" + _vector(3, body)

    def record(self) -> bytes:
        """Return the message in one record, marked TLS 1.0 as RFC 8446 section 5.1 allows for the first."""
        return record(self.message())

    def _extensions(self) -> Iterator[bytes]:
        yield from (_extension(kind, content) for kind, content in self.first)
        if self.name is not None:
            yield _extension(0, _vector(2, b"\0" + _vector(2, self.name)))
        yield _extension(10, _vector(2, b"".join(struct.pack(">H", group) for group in self.groups)))
        yield _extension(11, b"\1\0")
        yield _extension(13, _vector(2, b"".join(struct.pack(">H", scheme) for scheme in _SIGNATURES)))
        if self.protocols:
            yield _extension(16, _vector(2, b"".join(_vector(1, name) for name in self.protocols)))
        if self.versions:
            yield _extension(43, _vector(1, b"".join(struct.pack(">H", version) for version in self.versions)))
            yield _extension(51, _vector(2, b"".join(
                struct.pack(">H", group) + _vector(2, key) for group, key in self.shares)))
            yield _extension(45, b"\1\1")
        yield from (_extension(kind, content) for kind, content in self.more)


def record(content: bytes, kind: int = _HANDSHAKE, version: int = TLS10) -> bytes:
    """Put content into one TLS record; its length field wraps round where the content is too long for one."""
    return struct.pack(">BHH", kind, version, len(content) & 0xFFFF) + content


def share(random: Random, group: int) -> tuple[int, bytes]:
    """Make a key share of a group; of X25519MLKEM768 one of the right size that is no key."""
    if group == X25519:
        return group, random.randbytes(32)
    if group in _CURVES:
        key = ec.derive_private_key(random.getrandbits(200) + 1, _CURVES[group]()).public_key()
        return group, key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return group, random.randbytes(1216)


def x25519_key(random: Random) -> x25519.X25519PrivateKey:
    """Make a private key from the given randomness."""
    return x25519.X25519PrivateKey.from_private_bytes(random.randbytes(32))


def length_fields(hello: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size in bytes of each length field of a well-formed ClientHello record."""
    yield from (("record", 3, 2), ("message", 6, 3), ("session id", 43, 1))
    position = 44 + hello[43]
    yield "ciphers", position, 2
    position += 2 + int.from_bytes(hello[position:position + 2])
    yield "compressions", position, 1
    position += 1 + hello[position]
    yield "extensions", position, 2
    position += 2
    while position < len(hello):
        kind, size = struct.unpack_from(">HH", hello, position)
        yield f"extension {kind}", position + 2, 2
        if kind in _INNER_LENGTHS:
            yield from ((f"{_INNER_LENGTHS[kind][0]} in extension {kind}", position + 4, _INNER_LENGTHS[kind][1]),)
        if kind == 0:
            yield "name in extension 0", position + 7, 2
        position += 4 + size


# Extensions whose content begins with a length: what it counts, and its size in bytes.
_INNER_LENGTHS = {0: ("names", 2), 10: ("groups", 2), 11: ("formats", 1), 13: ("schemes", 2),
                  16: ("protocols", 2), 43: ("versions", 1), 51: ("shares", 2), 45: ("modes", 1)}


def _vector(size: int, content: bytes) -> bytes:
    return (len(content) & ((1 << 8 * size) - 1)).to_bytes(size) + content


def _extension(kind: int, content: bytes) -> bytes:
    return struct.pack(">H", kind) + _vector(2, content)
