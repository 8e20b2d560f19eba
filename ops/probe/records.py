"""Reads what a TLS server sends in clear (RFC 8446, RFC 5246)."""

import struct
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

_TYPES = {20: "change_cipher_spec", 21: "alert", 22: "handshake", 23: "application_data"}
_ALERT, _HANDSHAKE = 21, 22
# RFC 8446 section 4.1.3: the ServerHello of a retry has this instead of random bytes.
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the complete records as type and content, and the rest, which is all of it when it is no TLS."""
    found = []
    while len(data) >= 5 and data[0] in _TYPES and data[1] == 3:
        size = int.from_bytes(data[3:5])
        if len(data) < 5 + size:
            break
        found.append((data[0], data[5:5 + size]))
        data = data[5 + size:]
    return found, data


def pattern(records: list[tuple[int, bytes]]) -> tuple[tuple[str, int], ...]:
    """Return type and length in bytes of each record."""
    return tuple((_TYPES[kind], len(content)) for kind, content in records)


def alert(records: list[tuple[int, bytes]]) -> str:
    """Return level and number of the first alert in clear, or nothing."""
    return next((f"level {content[0]}, {content[1]}" for kind, content in records
                 if kind == _ALERT and len(content) == 2), "")


def server_hello(records: list[tuple[int, bytes]]) -> tuple[str, ...]:
    """Return the parameters of the first ServerHello, or nothing."""
    return next((_described(body) for kind, body in _messages(records) if kind == 2), ())


def certificates(records: list[tuple[int, bytes]]) -> tuple[str, ...]:
    """Return the shapes of the certificates that TLS 1.2 and older show in clear (RFC 5246 section 7.4.2)."""
    body = next((body for kind, body in _messages(records) if kind == 11), b"\0\0\0")[3:]
    shapes = []
    while body:
        size = int.from_bytes(body[:3])
        shapes.append(shape(body[3:3 + size]))
        body = body[3 + size:]
    return tuple(shapes)


def shape(der: bytes) -> str:
    """Describe a certificate without what differs at each issue."""
    certificate = x509.load_der_x509_certificate(der)
    key = certificate.public_key()
    kind = key.curve.name if isinstance(key, ec.EllipticCurvePublicKey) else (
        f"rsa {key.key_size}" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__)
    hours = round((certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds() / 3600)
    extensions = " ".join(
        f"{extension.oid.dotted_string}{'!' if extension.critical else ''}" for extension in certificate.extensions)
    return (f"subject {certificate.subject.rfc4514_string() or '-'} names {_names(certificate)} "
            f"issuer {certificate.issuer.rfc4514_string()} {kind} {hours} h extensions {extensions}")



def _names(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "(none)"
    return " ".join(str(name.value) for name in found)


def _messages(records: list[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Yield the handshake messages in clear: those before the first record of another type."""
    stream = b""
    for kind, content in records:
        if kind != _HANDSHAKE:
            break
        stream += content
    while len(stream) >= 4:
        size = int.from_bytes(stream[1:4])
        if len(stream) < 4 + size:
            return
        yield stream[0], stream[4:4 + size]
        stream = stream[4 + size:]


def _described(body: bytes) -> tuple[str, ...]:
    version, session_size = body[:2].hex(), body[34]
    cipher = body[35 + session_size:37 + session_size].hex()
    said = [f"version {version}", f"cipher {cipher}", f"session id of {session_size}"]
    if body[2:34] == _RETRY:
        said.append("retry")
    position = 40 + session_size
    while position + 4 <= len(body):
        kind, size = struct.unpack_from(">HH", body, position)
        said.append(_extension(kind, body[position + 4:position + 4 + size]))
        position += 4 + size
    return tuple(said)


def _extension(kind: int, content: bytes) -> str:
    # Of a key share only the group tells something; the key differs each time.
    shown = f"group {content[:2].hex()} ({len(content)} bytes)" if kind == 51 else content.hex()
    return f"extension {kind}: {shown}"
