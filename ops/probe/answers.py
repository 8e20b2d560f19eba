"""Puts what a server said over HTTP into lines that can be compared and shown."""

import hashlib
import re
from collections.abc import Iterable

import hpack
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

_FRAME_HEAD_BYTES = 9
# RFC 9110 section 5.6.7; the only value that a plain Caddy itself does not repeat.
_DATE = re.compile(r"(?i)^(date:? ?)\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$")


def http1(data: bytes, has_bodies: bool = True) -> tuple[str, ...]:
    """Return head lines and body sums of the answers that `data` holds, or its size and start when it is no HTTP."""
    said: list[str] = []
    # RFC 9110 section 14.6: the boundary of several ranges is drawn by lot.
    if boundary := re.search(rb"boundary=(\w+)", data):
        data = data.replace(boundary[1], b"(boundary)".ljust(len(boundary[1])))
    while data:
        head, found, rest = data.partition(b"\r\n\r\n")
        if not data.startswith(b"HTTP/") or not found:
            return (*said, body_line(data))
        lines = head.decode("latin-1").split("\r\n")
        said += map(without_date, lines)
        size = _content_length(lines) if has_bodies and not lines[0].split(" ")[1].startswith("1") else 0
        size = len(rest) if size is None else size
        said.append(body_line(rest[:size]))
        data = rest[size:]
    return tuple(said)


def without_date(line: str) -> str:
    """Return a header line whose date of now, if it is one, is replaced."""
    return _DATE.sub(r"\1(now)", line)


def body_line(body: bytes) -> str:
    """Describe bytes by size and hash, and by their start when they are few."""
    start = f" {body[:40]!r}" if len(body) <= 200 else ""
    return f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()[:12]}{start}"


def http2(data: bytes) -> tuple[str, ...]:
    """Return one line for each frame (RFC 9113 section 6), the header fields among them."""
    decoder = hpack.Decoder()
    said: list[str] = []
    while len(data) >= _FRAME_HEAD_BYTES:
        try:
            frame, size = Frame.parse_frame_header(memoryview(data[:_FRAME_HEAD_BYTES]))
            body = data[_FRAME_HEAD_BYTES:_FRAME_HEAD_BYTES + size]
            if len(body) < size:
                break
            frame.parse_body(memoryview(body))
        except HyperframeError as error:
            return (*said, f"no frame: {type(error).__name__}", body_line(data))
        said += _lines(frame, decoder)
        data = data[_FRAME_HEAD_BYTES + size:]
    return (*said, body_line(data)) if data else tuple(said)


def _lines(frame: Frame, decoder: hpack.Decoder) -> Iterable[str]:
    head = f"{type(frame).__name__} stream {frame.stream_id} {' '.join(sorted(frame.flags))}".rstrip()
    if isinstance(frame, HeadersFrame | PushPromiseFrame):
        fields = decoder.decode(frame.data)
        return [head, *(without_date(f"{_text(name)}: {_text(value)}") for name, value in fields)]
    detail = ""
    if isinstance(frame, DataFrame):
        detail = body_line(frame.data)
    elif isinstance(frame, SettingsFrame):
        detail = str(frame.settings)
    elif isinstance(frame, GoAwayFrame):
        detail = f"code {frame.error_code}, last {frame.last_stream_id}, {frame.additional_data!r}"
    elif isinstance(frame, RstStreamFrame):
        detail = f"code {frame.error_code}"
    elif isinstance(frame, WindowUpdateFrame):
        detail = f"{frame.window_increment}"
    elif isinstance(frame, PingFrame):
        detail = frame.opaque_data.hex()
    return [f"{head}: {detail}"]


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


def _content_length(lines: list[str]) -> int | None:
    found = re.search(r"(?im)^content-length: (\d+)$", "\n".join(lines))
    if found:
        return int(found[1])
    return 0 if lines[0].split(" ")[1] in {"204", "304"} else None
