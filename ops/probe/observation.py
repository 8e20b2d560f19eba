"""What was seen of one probe, and how two of them are compared."""

from dataclasses import dataclass, fields

# Signatures of ECDSA and serial numbers differ by a few bytes from one certificate to the next (X.690 section 8.3).
_LENGTH_TOLERANCE_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One answer, as a censor could describe it. Empty fields were not seen."""

    connection: str = ""
    """accepted, or the error of the connection attempt."""

    records: tuple[tuple[str, int], ...] = ()
    """TLS records up to the end of the handshake: type, length in bytes."""

    alert: str = ""
    """First alert in clear: level, number."""

    hello: tuple[str, ...] = ()
    """ServerHello: version, cipher, group, extensions in order."""

    certificates: tuple[str, ...] = ()
    protocol: str = ""
    """Version, cipher and ALPN that a whole handshake ended with, or the client's error."""

    answer: tuple[str, ...] = ()
    """What the application said: lines of the head, size and hash of the body; frames of HTTP/2 and 3."""

    answer_records: tuple[tuple[str, int], ...] = ()
    """TLS records after the handshake: session tickets, and those that carried the answer."""

    end: str = ""
    """fin, reset or open, and the like again after the client's own FIN."""

    after: str = ""
    """When it ended, in coarse classes."""


def differing(ours: Observation, plain: Observation) -> tuple[str, ...]:
    """Return the names of the fields that differ."""
    return tuple(item.name for item in fields(Observation)
                 if not _same(getattr(ours, item.name), getattr(plain, item.name)))


def _same(ours: object, plain: object) -> bool:
    if isinstance(ours, tuple) and isinstance(plain, tuple) and len(ours) == len(plain):
        return all(_same_item(*pair) for pair in zip(ours, plain, strict=True))
    return ours == plain


def _same_item(ours: object, plain: object) -> bool:
    if isinstance(ours, tuple) and isinstance(plain, tuple):
        return bool(ours[0] == plain[0] and abs(ours[1] - plain[1]) <= _LENGTH_TOLERANCE_BYTES)
    return ours == plain


# Upper edges in seconds and names, far from the timeouts that occur: 5, 45 and 60 s.
_CLASSES = ((3, "at once"), (12, "3 to 12 s"), (30, "12 to 30 s"), (52, "30 to 52 s"), (90, "52 to 90 s"))


def time_class(seconds: float) -> str:
    """Name the class of a time; no verdict hangs on less than tens of seconds."""
    return next((name for edge, name in _CLASSES if seconds < edge), "later")
