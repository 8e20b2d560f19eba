"""A whole TLS handshake by OpenSSL over a `Line`, so that the records below stay in sight."""

import contextlib
import ssl
from collections.abc import Callable
from typing import Any

from . import records
from .line import Line
from .observation import Observation


def context(
    protocols: tuple[str, ...] = (), version: ssl.TLSVersion | None = None, cipher: str = "", curve: str = "",
) -> ssl.SSLContext:
    """Make the context of a client that takes any certificate and any old version."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    # OpenSSL 3 refuses TLS 1.0 and 1.1 at its default security level.
    made.set_ciphers(f"{cipher or 'DEFAULT'}:@SECLEVEL=0")
    made.minimum_version = version or ssl.TLSVersion.TLSv1_2
    if version is not None:
        made.maximum_version = version
    if protocols:
        made.set_alpn_protocols(list(protocols))
    if curve:
        made.set_ecdh_curve(curve)
    return made


class Session:
    """A TLS client on a line."""

    def __init__(self, line: Line, client: ssl.SSLContext, name: str | None,
                 resumed: ssl.SSLSession | None = None) -> None:
        self.line = line
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = client.wrap_bio(self._in, self._out, server_hostname=name, session=resumed)
        self.error = ""
        self.clear = b""
        """All application data that came."""

        self.settled_bytes = 0
        """Bytes of the line that belong to the handshake; tickets of TLS 1.3 come after it (RFC 8446 section 4.6.1)."""

    def handshake(self) -> bool:
        """Do the handshake; tell whether it went well."""
        done = self._step(self.tls.do_handshake)
        self.settled_bytes = len(self.line.received)
        return done

    def send(self, data: bytes) -> None:
        """Send application data."""
        with contextlib.suppress(ssl.SSLError):
            self.tls.write(data)
        self._flush()

    def close_notify(self) -> None:
        """Say that nothing more will come (RFC 8446 section 6.1)."""
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self._flush()

    def read(self, wait_seconds: float | None = None, enough: Callable[[bytes], bool] = lambda _: False) -> None:
        """Read application data until the server is silent or ends, or `enough` says so."""
        while not enough(self.clear):
            data = self.line.read(wait_seconds)
            self._in.write(data)
            self._take()
            if not data:
                return

    def observation(self, **more: Any) -> Observation:
        """Say what was seen so far."""
        seen, _ = records.split(self.line.received[:self.settled_bytes])
        after, _ = records.split(self.line.received[self.settled_bytes:])
        der = self.tls.getpeercert(True) if not self.error else None
        shown = records.certificates(seen) or ((records.shape(der),) if der else ())
        cipher = self.tls.cipher()
        agreed = f"{self.tls.version()} {cipher[0] if cipher else '-'} {self.tls.selected_alpn_protocol()}"
        more.setdefault("answer_records", records.pattern(after))
        return Observation(
            connection="accepted", records=records.pattern(seen), alert=records.alert(seen),
            hello=records.server_hello(seen), certificates=shown, protocol=self.error or agreed, **more)

    def _take(self) -> None:
        try:
            while data := self.tls.read(1 << 16):
                self.clear += data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.error = self.error or f"client: {error.reason}"
        self._flush()

    def _step(self, step: Callable[[], None]) -> bool:
        while True:
            try:
                step()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.line.read()
                if not data:
                    self.error = f"no handshake, {self.line.end}"
                    return False
                self._in.write(data)
            except ssl.SSLError as error:
                self.error = f"client: {error.reason}"
                self._flush()
                return False
            else:
                self._flush()
                return True

    def _flush(self) -> None:
        if self._out.pending:
            self.line.send(self._out.read())
