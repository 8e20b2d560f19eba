"""Hellos as the protocols' own clients send them: with wrong keys, and with right ones as a recording replayed.

Formats: github.com/xtls/reality `handshake_server_tls13` and Xray-core transport/internet/reality (session id);
github.com/ihciah/shadow-tls docs/protocol-en.md (version 3); https://trojan-gfw.github.io/trojan/protocol.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .hello import X25519, record, x25519_key
from .hellos import hello
from .probes import Probe, Step, talk


@dataclass(frozen=True, kw_only=True, repr=False)
class Credentials:
    """What one client knows, for the replays."""

    reality_public_key: bytes
    reality_short_id: bytes
    shadowtls_password: str
    trojan_password: str

    @classmethod
    def of(cls, links: dict[str, str]) -> Self:
        """Read them from a user's links by protocol."""
        reality = parse_qs(urlsplit(links["vlessReality"]).query)
        plugin = parse_qs(urlsplit(links["shadowtls"]).query)["shadow-tls"][0]
        return cls(
            reality_public_key=base64.urlsafe_b64decode(reality["pbk"][0] + "="),
            reality_short_id=bytes.fromhex(reality["sid"][0]),
            shadowtls_password=json.loads(base64.b64decode(plugin))["password"],
            trojan_password=unquote(urlsplit(links["trojan"]).username or ""))

    @classmethod
    def wrong(cls, random: Random) -> Self:
        """Make some that no server knows."""
        public = x25519_key(random).public_key()
        return cls(reality_public_key=_raw(public), reality_short_id=random.randbytes(8),
                   shadowtls_password=random.randbytes(16).hex(), trojan_password=random.randbytes(16).hex())


def reality_hello(random: Random, name: str, known: Credentials) -> bytes:
    """Return the handshake message of a REALITY client."""
    key = x25519_key(random)
    base = replace(hello(random, name), shares=((X25519, _raw(key.public_key())),), session_id=bytes(32))
    shared = key.exchange(x25519.X25519PublicKey.from_public_bytes(known.reality_public_key))
    secret = HKDF(algorithm=hashes.SHA256(), length=32, salt=base.random[:20], info=b"REALITY").derive(shared)
    clear = bytes((26, 1, 1, 0)) + int(time.time()).to_bytes(4) + known.reality_short_id
    sealed = AESGCM(secret).encrypt(base.random[20:], clear, base.message())
    return replace(base, session_id=sealed).message()


def shadowtls_hello(random: Random, name: str, password: str) -> bytes:
    """Return the handshake message of a ShadowTLS v3 client: its session id ends in four bytes of an HMAC."""
    base = replace(hello(random, name), session_id=random.randbytes(28) + bytes(4))
    tag = hmac.digest(password.encode(), base.message(), hashlib.sha1)[:4]
    return replace(base, session_id=base.session_id[:28] + tag).message()


def trojan_request(password: str) -> bytes:
    """Return the first application data of a Trojan client that asks for example.com:80."""
    key = hashlib.sha224(password.encode()).hexdigest().encode()
    return key + b"\r\n\1\3\x0bexample.com\0\x50\r\nGET / HTTP/1.1\r\nHost: example.com\r\n\r\n"


def probes(random: Random, domain: str, known: Credentials) -> Iterator[Probe]:
    """Yield all probes of this kind."""
    for turn in range(12):
        wrong = Credentials.wrong(random)
        half = replace(wrong, reality_public_key=known.reality_public_key)
        other = replace(known, reality_short_id=wrong.reality_short_id)
        for title, guess in (("wrong key", wrong), ("wrong key, right short id",
                             replace(known, reality_public_key=wrong.reality_public_key)),
                             ("wrong short id", half if turn % 2 else other)):
            yield from _flights(random, "cdn", f"REALITY {title} {turn}",
                                reality_hello(random, f"cdn.{domain}", guess))
        yield from _flights(random, "img", f"ShadowTLS wrong password {turn}",
                            shadowtls_hello(random, f"img.{domain}", wrong.shadowtls_password))
    for turn in range(6):
        yield from _flights(random, "cdn", f"REALITY replay {turn}", reality_hello(random, f"cdn.{domain}", known))
        yield from _flights(random, "img", f"ShadowTLS replay {turn}",
                            shadowtls_hello(random, f"img.{domain}", known.shadowtls_password))
        # A recording of Trojan is one of TLS: its answer to the server's keys is noise to another handshake.
        yield from _flights(random, "app", f"Trojan replay {turn}", hello(random, f"app.{domain}").message())
        for label in ("www", "app", "img"):
            yield from _flights(random, label, f"REALITY at another name {turn}",
                                reality_hello(random, f"{label}.{domain}", known))


def _flights(random: Random, label: str, title: str, message: bytes) -> Iterator[Probe]:
    """Yield the hello with each thing that a replay can have after it."""
    first = record(message)
    rest = record(b"\1", 20, 0x0303) + record(random.randbytes(53), 23, 0x0303)
    flights: dict[str, tuple[Step, ...]] = {
        "": (first,), ", then FIN": (first, 0.3, None), ", whole": (first + rest,), ", answered": (first, 0.3, rest),
        ", with data": (first, 0.3, rest + record(random.randbytes(300), 23, 0x0303)), ", half": (first[:180], None)}
    for ending, steps in flights.items():
        yield Probe(name=f"imposter/{title} on {label}{ending}", look=talk(*steps), label=label)


def _raw(key: x25519.X25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


