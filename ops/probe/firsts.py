"""Probes whose first bytes are no TLS: other protocols, and noise of many lengths; also on port 80."""

from collections.abc import Iterator
from random import Random

from .probes import Probe, Step, talk

_GET = b"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"
_FIRSTS: dict[str, bytes] = {
    "GET": _GET, "GET of 1.0": b"GET / HTTP/1.0\r\n\r\n", "HEAD": b"HEAD / HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "POST": b"POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\nhi",
    "PUT": b"PUT /a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "CONNECT": b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
    "OPTIONS": b"OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n", "PRI": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "preface and settings": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "absolute": b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", "half a line": b"GET / HT",
    "bare line ends": b"GET / HTTP/1.1\nHost: {host}\n\n", "no host": b"GET / HTTP/1.1\r\n\r\n",
    "tilde": b"GET /~a HTTP/1.1\r\nHost: {host}\r\n\r\n",
    "two": _GET + _GET, "HTTP/0.9": b"GET /\r\n", "HTTP/3.0": b"GET / HTTP/3.0\r\n\r\n",
    "lower case": b"get / http/1.1\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n", "SOCKS5": b"\5\1\0", "SOCKS5 with users": b"\5\2\0\2",
    "SOCKS4": b"\4\1\0\x50\xc0\0\2\1\0", "SMTP": b"EHLO example.com\r\n", "FTP": b"USER anonymous\r\n",
    "RDP": b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0",
    "DNS": b"\0\x1d\x12\x34\1\0\0\1\0\0\0\0\0\0\7example\3com\0\0\1\0\1",
    "Redis": b"*1\r\n$4\r\nPING\r\n", "memcached": b"stats\r\n", "SIP": b"OPTIONS sip:nm SIP/2.0\r\n\r\n",
    "RTSP": b"OPTIONS / RTSP/1.0\r\n\r\n",
    "PROXY v1": b"PROXY TCP4 192.0.2.1 192.0.2.2 5 443\r\n",
    "PROXY v2": b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\0\5\1\xbb",
    "PostgreSQL": b"\0\0\0\x08\4\xd2\x16\x2f", "MySQL": b"\x20\0\0\1\x85\xa6\3\0\0\0\0\1", "line ends": b"\r\n\r\n",
    "spaces": b"    ", "NULs": bytes(64),
    "BitTorrent": b"\x13BitTorrent protocol" + bytes(8), "MQTT": b"\x10\x0c\0\4MQTT\4\2\0\x3c\0\0",
    "OpenVPN": b"\0\x0e\x38" + bytes(13),
}


def probes(random: Random, domain: str) -> Iterator[Probe]:
    """Yield all probes of this kind."""
    host = f"www.{domain}".encode()
    for title, first in _FIRSTS.items():
        text = first.replace(b"{host}", host)
        for plain in (False, True):
            port = "port 80" if plain else "port 443"
            yield _probe(f"{port}/{title}", plain, text)
            yield _probe(f"{port}/{title}, then FIN", plain, text, None)
    for size in (1, 2, 3, 4, 5, 6, 11, 16, 32, 48, 55, 56, 58, 59, 64, 100, 128, 250, 500, 517, 1000, 1460, 4096,
        16389):
        for turn in range(3):
            # The first byte never says TLS: those are the hellos' business.
            noise = bytes([random.choice([0, 1, 5, 0x41, 0x80, 0xFF])]) + random.randbytes(size - 1)
            yield _probe(f"port 443/noise {size} bytes {turn}", False, noise)
            yield _probe(f"port 443/noise {size} bytes {turn}, then FIN", False, noise, None)
    yield _probe("port 443/FIN at once", False, None)
    yield _probe("port 80/FIN at once", True, None)
    for plain in (False, True):
        for title, text in (("nothing", b""), ("half a request", b"GET / HT"), ("one byte", b"G"), ("noise", b"\0\1")):
            yield Probe(name=f"patience/{'port 80' if plain else 'port 443'}/{title}", is_slow=True,
                        look=talk(text, plain=plain, patience_seconds=75))


def _probe(title: str, plain: bool, *steps: Step) -> Probe:
    return Probe(name=f"first bytes/{title}", look=talk(*steps, plain=plain))
