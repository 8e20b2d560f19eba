"""Geometry of the traffic charts: stacked columns in an SVG's own units; a template draws them.

The drawing is stretched to the page's width, so that it holds no text: scale and times stand beside it as HTML.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask import request
from sqlalchemy.orm import Session

from ..engines import traffic
from ..engines.traffic import Span

COLUMN_WIDTH = 10
HEIGHT = 100
_GAP = 2
# More would not fit on a phone.
_TICKS = 5
_HOURS = 24
_DAYS = {"day": 1, "week": 7, "month": 30}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A rectangle, from the top left corner of the drawing."""

    x: float
    y: float
    height: float
    width: float = COLUMN_WIDTH - _GAP


@dataclass(frozen=True, kw_only=True)
class Column:
    """What one hour or day looks like: up stands on down."""

    span: Span
    down: Bar
    up: Bar


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Columns from the oldest to the newest."""

    columns: list[Column]
    top_bytes: int
    """What the whole height stands for."""

    ticks: list[datetime]
    """Times below the chart, evenly spread over its width."""

    shows_days: bool
    """Whether a column is a day rather than an hour."""

    @property
    def width(self) -> int:
        """Width of the drawing."""
        return len(self.columns) * COLUMN_WIDTH

    @property
    def up_bytes(self) -> int:
        """Traffic of all columns together."""
        return sum(column.span.up_bytes for column in self.columns)

    @property
    def down_bytes(self) -> int:
        """Traffic of all columns together."""
        return sum(column.span.down_bytes for column in self.columns)


def asked_span() -> str:
    """Return the time span that the request asks for."""
    span = request.args.get("span", "")
    return span if span in _DAYS else "day"


def of_span(session: Session, span: str, now: datetime, zone: ZoneInfo, user_id: int | None = None) -> Chart:
    """Draw the traffic of a user, or of all, in the time span that ends now."""
    if span == "day":
        return draw(traffic.by_hour(session, now, _HOURS, user_id), shows_days=False)
    return draw(traffic.by_day(session, now, _DAYS[span], zone, user_id), shows_days=True)


def draw(spans: Sequence[Span], *, shows_days: bool) -> Chart:
    """Lay out spans, which follow each other without a hole."""
    top = round_up(max((span.up_bytes + span.down_bytes for span in spans), default=0))
    columns = [_column(number, span, top) for number, span in enumerate(spans)]
    step = max(1, (len(spans) - 1) // (_TICKS - 1))
    return Chart(columns=columns, top_bytes=top, ticks=[span.began_at for span in spans[::step]],
                 shows_days=shows_days)


def round_up(count: int) -> int:
    """Return the least 1, 2 or 5 times a power of ten that count fits below; at least one kilobyte."""
    power = 1000
    while power * 10 <= count:
        power *= 10
    return next(step * power for step in (1, 2, 5, 10) if count <= step * power)


def _column(number: int, span: Span, top_bytes: int) -> Column:
    x = number * COLUMN_WIDTH + _GAP / 2
    down, up = (round(HEIGHT * count / top_bytes, 2) for count in (span.down_bytes, span.up_bytes))
    return Column(span=span, down=Bar(x=x, y=round(HEIGHT - down, 2), height=down),
                  up=Bar(x=x, y=round(HEIGHT - down - up, 2), height=up))
