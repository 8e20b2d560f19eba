"""What people type for amounts of data and for points in time."""

import re
from datetime import UTC, datetime, time, timedelta

import click

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
          "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "y": 365}


class Size(click.ParamType["int | None"]):
    """Bytes, from text such as 50GB or 2GiB; None from `none`."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        """Return the number of bytes."""
        if not isinstance(value, str) or value.lower() == "none":
            return None
        parts = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?", value.strip().lower())
        if not parts or parts[2] not in _UNITS:
            self.fail(f"{value} is no amount of data; write it like 50GB, or none", param, ctx)
        return int(float(parts[1]) * _UNITS[parts[2]])


class Moment(click.ParamType["str | None"]):
    """A time in UTC, in ISO 8601, from a date or a span such as 30d; None from `never`."""

    name = "when"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str | None:
        """Return the moment; a date ends with its day."""
        if not isinstance(value, str) or value.lower() == "never":
            return None
        if span := re.fullmatch(r"(\d{1,5})([hdwy])", value):
            return (datetime.now(UTC) + timedelta(days=int(span[1]) * _DAYS[span[2]])).isoformat(timespec="seconds")
        try:
            day = datetime.strptime(value, "%Y-%m-%d")
        except ValueError:
            self.fail(f"{value} is no time; write it like 2027-01-31 or 30d, or never", param, ctx)
        return datetime.combine(day, time(23, 59, 59), UTC).isoformat()


def shown_size(count: int | None) -> str:
    """Return bytes as people read them; a dash for None."""
    if count is None:
        return "-"
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def shown_minute(moment: str | None) -> str:
    """Return a time of ISO 8601 to the minute; a dash for None."""
    return moment[:16].replace("T", " ") if moment else "-"
