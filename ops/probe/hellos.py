"""Probes whose first bytes are a ClientHello: good ones of every kind, and wrong ones."""

import struct
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from .hello import (
    CIPHERS,
    P256,
    P384,
    P521,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    X25519,
    X25519MLKEM768,
    Hello,
    length_fields,
    record,
    share,
)
from .probes import NAMES, ROUTED, Probe, Step, talk


def hello(random: Random, name: str | None) -> Hello:
    """Make an ordinary ClientHello."""
    return Hello(random=random.randbytes(32), session_id=random.randbytes(32),
                 shares=(share(random, X25519),), name=None if name is None else name.encode())


def probes(random: Random, domain: str) -> Iterator[Probe]:
    """Yield all probes of this kind."""
    for label in ROUTED:
        base = hello(random, f"{label}.{domain}")
        yield from _parameters(random, label, base)
        yield from _lengths(label, base)
        yield from _framings(random, label, base)
        yield from _cuts(label, base)
    yield from _names(random, domain)


def _probe(label: str, kind: str, *steps: Step) -> Probe:
    return Probe(name=f"hello/{label}/{kind}", look=talk(*steps), label=label)


def _names(random: Random, domain: str) -> Iterator[Probe]:
    texts: dict[str, str | None] = {label: f"{label}.{domain}" for label in NAMES}
    texts |= {f"{label} in capitals": f"{label}.{domain}".upper() for label in NAMES}
    texts |= {f"{label} with a final dot": f"{label}.{domain}." for label in NAMES}
    texts |= {f"{label} below": f"a.{label}.{domain}" for label in NAMES}
    texts |= {f"{label} with a NUL": f"{label}.{domain}\0" for label in NAMES}
    texts |= {"none": None, "empty": "", "unknown": "unknown.example", "the domain": domain, "address": "192.0.2.1",
              "IPv6 address": "2001:db8::1", "a label": "localhost", "long": "a" * 63 + "." + "b" * 180 + ".example",
              "not ASCII": "b\u00fccher.example", "wildcard": f"*.{domain}", "spaces": "a b.example",
              "underscore": f"_dmarc.{domain}", "dots": "..", "slash": f"{domain}/"}
    for title, text in texts.items():
        for versions in ((TLS13, TLS12), ()):
            shown = "TLS 1.3" if versions else "TLS 1.2"
            yield Probe(name=f"name/{title}/{shown}", label=title.split(" ")[0],
                        look=talk(replace(hello(random, text), versions=versions).record()))


def _parameters(random: Random, label: str, base: Hello) -> Iterator[Probe]:
    old = replace(base, versions=())
    for version in (0x0300, TLS10, TLS11, TLS12, TLS13, 0x0305, 0x0200, 0):
        yield _probe(label, f"version {version:04x}", replace(old, legacy_version=version).record())
        yield _probe(label, f"supported {version:04x}", replace(base, versions=(version,)).record())
    for cipher in CIPHERS:
        yield _probe(label, f"cipher {cipher:04x}", replace(base, ciphers=(cipher,)).record())
        yield _probe(label, f"cipher {cipher:04x} of 1.2", replace(old, ciphers=(cipher,)).record())
    for group in (X25519, P256, P384, P521, X25519MLKEM768, 0x001E, 0x0A0A):
        shares = (share(random, group),)
        yield _probe(label, f"group {group:04x}", replace(base, groups=(group,), shares=shares).record())
        yield _probe(label, f"group {group:04x} without a share", replace(base, groups=(group,), shares=()).record())
        yield _probe(label, f"group {group:04x} of 1.2", replace(old, groups=(group,)).record())
    for title, protocols in _PROTOCOLS.items():
        yield _probe(label, f"ALPN {title}", replace(base, protocols=protocols).record())
        yield _probe(label, f"ALPN {title} of 1.2", replace(old, protocols=protocols).record())
    changes: dict[str, Hello] = {
        "no common cipher": replace(base, ciphers=(0x0005,)), "no cipher": replace(base, ciphers=()),
        "fallback signal": replace(old, legacy_version=TLS11, ciphers=(*CIPHERS, 0x5600)),
        "no compression": replace(base, compressions=b""), "deflate": replace(base, compressions=b"\1\0"),
        "no session id": replace(base, session_id=b""), "long session id": replace(base, session_id=b"s" * 33),
        "zeros as key": replace(base, shares=((X25519, bytes(32)),)),
        "short key": replace(base, shares=((X25519, bytes(31)),)),
        "key twice": replace(base, shares=(base.shares[0], base.shares[0])),
        "point off the curve": replace(base, groups=(P256,), shares=((P256, b"\4" + b"\1" * 64),)),
        "GREASE": replace(base, ciphers=(0x0A0A, *CIPHERS), groups=(0x1A1A, X25519, P256),
                          first=((0x2A2A, b""),), more=((0x3A3A, b"\0"),)),
        "name twice": replace(base, more=((0, b"\0\5\0\0\2\x61\x62"),)),
        "groups twice": replace(base, more=((10, b"\0\2\0\x1d"),)),
        "padding": replace(base, more=((21, bytes(600)),)), "much padding": replace(base, more=((21, bytes(9000)),)),
        "early data": replace(base, more=((42, b""),)),
        "ticket of another": replace(old, more=((35, random.randbytes(180)),)),
        "key of another": replace(base, more=((42, b""), (41, _foreign_ticket(random)))),
        "status request": replace(base, more=((5, b"\1\0\0\0\0"),)),
        "renegotiation": replace(old, more=((0xFF01, b"\0"),)),
        "wrong renegotiation": replace(old, more=((0xFF01, b"\1a"),)),
        "extended master secret": replace(old, more=((23, b""),)), "timestamps": replace(base, more=((18, b""),)),
        "encrypted hello": replace(base, more=((0xFE0D,
        b"\0\0\1\0\1" + bytes(1) + b"\0\x20" + bytes(32) + b"\0\x10" + bytes(16)),)),
    }
    for title, changed in changes.items():
        yield _probe(label, title, changed.record())


_PROTOCOLS: dict[str, tuple[bytes, ...]] = {
    "h2": (b"h2",), "http/1.1": (b"http/1.1",), "http/1.0": (b"http/1.0",), "h3": (b"h3",), "none": (),
    "garbage": (b"\xff\0garbage",), "http/1.1 first": (b"http/1.1", b"h2"), "h3 first": (b"h3", b"h2"),
    "acme": (b"acme-tls/1",), "h2c": (b"h2c",), "long": (b"x" * 255,), "empty": (b"",), "many": (b"a",) * 40}


def _foreign_ticket(random: Random) -> bytes:
    """Make a pre_shared_key extension of somebody else's server (RFC 8446 section 4.2.11)."""
    identity = random.randbytes(120)
    identities = struct.pack(">H", len(identity)) + identity + random.randbytes(4)
    binders = b"\x20" + random.randbytes(32)
    return struct.pack(">H", len(identities)) + identities + struct.pack(">H", len(binders)) + binders


def _lengths(label: str, base: Hello) -> Iterator[Probe]:
    """Yield hellos with one length field wrong."""
    good = base.record()
    for title, offset, size in length_fields(good):
        value, most = int.from_bytes(good[offset:offset + size]), (1 << 8 * size) - 1
        for wrong in sorted({0, max(value - 1, 0), min(value + 1, most), most} - {value}):
            changed = good[:offset] + wrong.to_bytes(size) + good[offset + size:]
            yield _probe(label, f"length of {title} {wrong} for {value}", changed)



def _framings(random: Random, label: str, base: Hello) -> Iterator[Probe]:
    """Yield hellos in wrong or unusual records."""
    message, good = base.message(), base.record()
    for kind in (0, 20, 21, 23, 24, 255):
        yield _probe(label, f"record type {kind}", record(message, kind))
    for version in (0, 0x0200, 0x0300, 0x0302, 0x0303, 0x0304, 0x03FF, 0x0400, 0x1603):
        yield _probe(label, f"record version {version:04x}", record(message, version=version))
    halves = record(message[:60]) + record(message[60:])
    cases: dict[str, tuple[Step, ...]] = {
        "zero-length record first": (record(b"") + good,), "zero-length record inside": (
            record(message[:60]) + record(b"") + record(message[60:]),),
        "many zero-length records": (record(b"") * 40,), "two records": (halves,), "one byte a record": (
            b"".join(record(message[index:index + 1]) for index in range(len(message))),),
        "two hellos": (good + good,), "two hellos in a record": (record(message + message),),
        "trailing bytes": (record(message + b"trailing"),), "trailing record": (good + random.randbytes(50),),
        "alert first": (record(b"\1\0", 21) + good,), "fatal alert first": (record(b"\2\x28", 21) + good,),
        "alert only": (record(b"\1\0", 21),), "wrong alert": (record(b"\3\1\4", 21),),
        "application data first": (record(b"data", 23) + good,), "change of cipher first": (record(b"\1", 20) + good,),
        "alert after": (good + record(b"\2\x28", 21),), "data after": (good + record(random.randbytes(90), 23),),
        "change of cipher and data after": (good + record(b"\1", 20) + record(random.randbytes(90), 23),),
        "garbage after the answer": (good, 0.3, random.randbytes(300)),
        "data after the answer": (good, 0.3, record(b"\1", 20, TLS12) + record(random.randbytes(53), 23, TLS12)),
        "alert after the answer": (good, 0.3, record(b"\2\x50", 21, TLS12)),
        "hello after the answer": (good, 0.3, good), "FIN after the answer": (good, 0.3, None),
        "record of 16 KiB": (record(message + bytes(16384 - len(message))),),
        "record of more": (record(message + bytes(16385 - len(message) + 2000)),),
        "a message of 1 MiB": (record(b"\1\x10\0\0" + message[4:]) + record(bytes(9000)) * 4,),
        "server's hello": (record(b"\2" + message[1:]),), "hello request": (record(b"\0\0\0\0"),),
        "unknown message": (record(b"\x63" + message[1:]),), "single bytes": tuple(
            good[index:index + 1] for index in range(len(good))),
        "slow halves": (good[:100], 0.3, good[100:]), "slow records": (record(message[:90]), 0.3, record(message[90:])),
        "name cut by records": (record(message[:-200]) + record(message[-200:]),), "hello of SSL 2": (
            b"\x80\x2e\1\3\1\0\x15\0\0\0\x10" + random.randbytes(37),)}
    for title, steps in cases.items():
        yield _probe(label, title, *steps)


def _cuts(label: str, base: Hello) -> Iterator[Probe]:
    """Yield hellos that end early, with and without FIN."""
    good = base.record()
    for size in range(1, len(good), 17):
        yield _probe(label, f"first {size} bytes", good[:size])
        yield _probe(label, f"first {size} bytes, then FIN", good[:size], None)
    for size in (0, 1, 5, 6, 60, len(good) - 1):
        yield Probe(name=f"patience/{label}/first {size} bytes", label=label, is_slow=True,
                    look=talk(good[:size], patience_seconds=75))
    yield Probe(name=f"patience/{label}/whole hello", label=label, is_slow=True, look=talk(good, patience_seconds=75))
