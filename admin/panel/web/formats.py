"""How templates show sizes, times and spans in the reader's language; Babel knows the customs of each."""

from datetime import UTC, datetime

from babel.dates import format_skeleton, format_timedelta
from babel.units import format_unit
from flask import Flask
from flask_babel import format_date, format_datetime, format_decimal, format_time, get_locale, get_timezone
from markupsafe import Markup

_STEP = 1000
_UNITS = ("kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte")


def install(app: Flask) -> None:
    """Give app's templates these filters."""
    app.jinja_env.filters.update(
        size=size, moment=moment, day=day, ago=ago, number=format_decimal, clock=clock, calendar_day=calendar_day)


def size(count: int) -> str:
    """Return bytes in the largest unit that leaves a whole, with three digits; a kilobyte, the least, is 1000 bytes."""
    value, unit = count / _STEP, 0
    # What would be rounded up to 1000 is 1 of the next unit.
    while value >= _STEP - 0.5 and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    digits = "0" if value >= 100 else "0.#" if value >= 10 else "0.##"
    return format_unit(value, f"digital-{_UNITS[unit]}", "short", format=digits, locale=get_locale())


def moment(time: datetime) -> Markup:
    """Return a date and time, as an element that programs can read too."""
    return _element(time, format_datetime(time, "medium"))


def day(time: datetime) -> Markup:
    """Return the date of a time, in the configured zone; the time itself is its title."""
    return _element(time, format_date(time, "medium"))


def ago(time: datetime) -> Markup:
    """Return how long ago a time was, or how soon it will be; the time itself is its title."""
    return _element(time, format_timedelta(time - datetime.now(UTC), add_direction=True, locale=get_locale()))


def clock(time: datetime) -> str:
    """Return hours and minutes."""
    return str(format_time(time, "short"))


def calendar_day(time: datetime) -> str:
    """Return day and month."""
    return str(format_skeleton("MMMd", time, tzinfo=get_timezone(), locale=get_locale()))


def _element(time: datetime, text: str) -> Markup:
    # f-strings would not escape.
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        time.isoformat(timespec="seconds"), format_datetime(time, "long"), text)
