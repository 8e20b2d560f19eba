"""What is sent, and how answers are read."""

import hashlib
import hmac
import ssl
from random import Random

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hyperframe.frame import GoAwayFrame, SettingsFrame

from ops.probe import answers, records
from ops.probe.command import all_probes
from ops.probe.hello import length_fields, x25519_key
from ops.probe.hellos import hello
from ops.probe.imposters import Credentials, reality_hello, shadowtls_hello, trojan_request
from ops.probe.reference import Site

NAME = "cdn.stealth.test"


def test_the_hello_is_one_that_openssl_reads_to_its_end() -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    seen: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: seen.append(name)
    incoming.write(hello(Random(1), NAME).record())
    # It has no certificate, and finds out once it has read all.
    with pytest.raises(ssl.SSLError, match=r"NO_SUITABLE|NO_SHARED"):
        server.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    assert seen == [NAME]


def test_every_length_field_is_where_it_is_said_to_be() -> None:
    good = hello(Random(1), NAME).record()
    found = {title: int.from_bytes(good[offset:offset + size]) for title, offset, size in length_fields(good)}
    assert found["record"] == len(good) - 5
    assert found["message"] == len(good) - 9
    assert found["session id"] == 32
    assert found["name in extension 0"] == len(NAME)
    assert found["names in extension 0"] == len(NAME) + 3
    assert found["extension 51"] == found["shares in extension 51"] + 2
    assert len(found) == 23


def test_a_reality_hello_opens_with_the_servers_key() -> None:
    server = x25519_key(Random(2))
    known = Credentials.wrong(Random(3))
    known = Credentials(reality_public_key=server.public_key().public_bytes_raw(), reality_short_id=b"12345678",
                        shadowtls_password=known.shadowtls_password, trojan_password=known.trojan_password)
    message = reality_hello(Random(1), NAME, known)
    share = message[message.index(b"\0\x33\0\x26") + 10:][:32]
    secret = HKDF(algorithm=hashes.SHA256(), length=32, salt=message[6:26], info=b"REALITY").derive(
        server.exchange(x25519.X25519PublicKey.from_public_bytes(share)))
    clear = AESGCM(secret).decrypt(message[26:38], message[39:71], message[:39] + bytes(32) + message[71:])
    assert clear[8:] == b"12345678"


def test_a_shadowtls_hello_carries_the_tag_of_its_password() -> None:
    message = shadowtls_hello(Random(1), NAME, "password")
    tag = hmac.digest(b"password", message[:67] + bytes(4) + message[71:], "sha1")[:4]
    assert message[67:71] == tag


def test_a_trojan_request_begins_with_the_hash_of_its_password() -> None:
    assert trojan_request("x").split(b"\r\n")[0] == hashlib.sha224(b"x").hexdigest().encode()


def test_the_list_is_long_and_has_each_name_once() -> None:
    names = [probe.name for probe in all_probes(Random(1), "stealth.test", Credentials.wrong(Random(2)))]
    assert len(names) == len(set(names))
    assert sum(not name.startswith("udp/") for name in names) >= 1000
    assert names == [probe.name for probe in all_probes(Random(1), "stealth.test", Credentials.wrong(Random(2)))]


def test_answers_of_http1_are_told_line_by_line() -> None:
    date = b"Date: Fri, 01 Jan 2100 00:00:00 GMT\r\n"
    said = answers.http1(b"HTTP/1.1 200 OK\r\n" + date + b"Content-Length: 2\r\n\r\nhi"
                         b"HTTP/1.1 304 Not Modified\r\nLast-Modified: x\r\n\r\n")
    assert said[:3] == ("HTTP/1.1 200 OK", "Date: (now)", "Content-Length: 2")
    assert said[3].startswith("2 bytes")
    assert said[4:6] == ("HTTP/1.1 304 Not Modified", "Last-Modified: x")
    assert answers.http1(b"SSH-2.0-x\r\n")[0].endswith("b'SSH-2.0-x\\r\\n'")


def test_frames_of_http2_are_told_with_what_they_carry() -> None:
    frames = SettingsFrame(0, settings={4: 9}).serialize() + GoAwayFrame(0, last_stream_id=1, error_code=2).serialize()
    assert answers.http2(frames) == ("SettingsFrame stream 0: {4: 9}", "GoAwayFrame stream 0: code 2, last 1, b''")
    assert "bytes" in answers.http2(frames[:-1])[-1]


def test_records_and_alerts_are_read_and_noise_is_left() -> None:
    found, rest = records.split(b"\x15\3\3\0\2\2\x32" + b"noise")
    assert (records.alert(found), rest) == ("level 2, 50", b"noise")
    assert records.pattern(found) == (("alert", 2),)


def test_the_plain_caddy_promises_http3_on_all_names_but_tuics() -> None:
    text = Site(domain="stealth.test", https_port=443).caddyfile()
    blocks = text.split("\nhttps://")[1:]
    assert [block.split(" ")[0] for block in blocks if "header -Alt-Svc" in block] == ["t.stealth.test"]
    assert len(blocks) == 6
