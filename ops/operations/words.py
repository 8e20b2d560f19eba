"""How these commands write spans of time, amounts of memory and text that came from a container."""

from datetime import timedelta

_SPANS = ((86400, "d"), (3600, "h"), (60, "min"))


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit, such as 3 h."""
    seconds = int(length.total_seconds())
    for size, unit in _SPANS:
        if seconds >= 2 * size or (size == 60 and seconds >= size):
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def mebibytes(count: int) -> str:
    """Return bytes as a whole number of MiB."""
    return str(round(count / (1 << 20)))


def printable(text: str) -> str:
    """Return text whose control characters do nothing to a terminal: whoever connects can put some into a log."""
    return "".join(letter if letter.isprintable() or letter == "\t" else repr(letter)[1:-1] for letter in text)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows as lines of columns; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
