"""The fields that pages take, each named here: what else a browser sends is not looked at."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    DateField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
    widgets,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than its types
from wtforms.validators import InputRequired, Length, Optional

from ..protocols import PROTOCOLS
from ..store.models import User
from ..users.fields import MOST_BYTES
from ..users.text import NAME_LENGTH, NOTE_LENGTH
from .words import PERIODS

UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_USUAL_UNIT = "GB"
# As the store takes them (users/fields.py).
_FIRST_YEAR, _LAST_YEAR = 2000, 9000
# Arabic and Persian commas too: people type with the keyboard that they have.
_DECIMAL_SIGNS = str.maketrans({",": ".", "\N{ARABIC DECIMAL SEPARATOR}": ".", "\N{ARABIC COMMA}": "."})
# An exbibyte in megabytes has 13 digits; with decimals as many as bytes need, and some more. Digits are any script's.
_NUMBER = re.compile(r"\d{1,20}(\.\d{0,20})?|\.\d{1,20}")


class _DayField(DateField):
    """A date that says in the reader's language that it is none, or one that no time zone can hold."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError(lazy_gettext("This is no date such as 2027-01-31.")) from None
        if self.data and not _FIRST_YEAR <= self.data.year < _LAST_YEAR:
            raise ValueError(lazy_gettext("The year lies between %(first)d and %(last)d.",
                                          first=_FIRST_YEAR, last=_LAST_YEAR))


class UserForm(FlaskForm):  # type: ignore[misc] # flask_wtf has no types
    """What an operator says of a user."""

    name = StringField(lazy_gettext("Name"), [
        InputRequired(lazy_gettext("A user needs a name.")),
        Length(max=NAME_LENGTH, message=lazy_gettext("A name has at most %(most)d characters.", most=NAME_LENGTH))])
    note = TextAreaField(lazy_gettext("Note"), [
        Length(max=NOTE_LENGTH, message=lazy_gettext("A note has at most %(most)d characters.", most=NOTE_LENGTH))])
    quota = StringField(lazy_gettext("Quota"))
    unit = SelectField(lazy_gettext("Unit"), choices=[
        SelectChoice("MB", lazy_gettext("MB")), SelectChoice("GB", lazy_gettext("GB")),
        SelectChoice("TB", lazy_gettext("TB"))], default=_USUAL_UNIT)
    period = SelectField(lazy_gettext("Given"), choices=[
        SelectChoice(name, title) for name, title in PERIODS.items()], default="month")
    expires = _DayField(lazy_gettext("Last day"), [Optional()])
    protocols = SelectMultipleField(
        lazy_gettext("Protocols"), choices=[SelectChoice(name, made.title) for name, made in PROTOCOLS.items()],
        default=list(PROTOCOLS), option_widget=widgets.CheckboxInput())

    def validate_quota(self, _field: StringField) -> None:
        """Refuse what is no size that the store can keep."""
        if self.quota_text and not 0 < self._quota_number() * UNITS.get(self.unit.data, 0) <= MOST_BYTES:
            raise ValidationError(lazy_gettext("This is no size; write a number above zero, such as 50."))

    @property
    def quota_text(self) -> str:
        """The quota as it was typed, with a point for its decimals."""
        return (self.quota.data or "").strip().translate(_DECIMAL_SIGNS)

    def _quota_number(self) -> Decimal:
        # "Infinity" and "NaN" are decimals too, and 1e999999 is one that overflows as soon as it is multiplied.
        return Decimal(self.quota_text) if _NUMBER.fullmatch(self.quota_text) else Decimal(0)

    def values(self, zone: ZoneInfo) -> dict[str, Any]:
        """Return the fields of NewUser and UserChange; the form must be valid."""
        return {
            "name": self.name.data or "", "note": self.note.data or "",
            "quota_bytes": round(self._quota_number() * UNITS[self.unit.data]) if self.quota_text else None,
            "quota_period": self.period.data,
            "expires_at": end_of_day(self.expires.data, zone) if self.expires.data else None,
            "closed_protocols": tuple(name for name in PROTOCOLS if name not in (self.protocols.data or ())),
        }

    @classmethod
    def of(cls, user: User, zone: ZoneInfo) -> Self:
        """Return the form as it shows a user, or as it was sent."""
        number, unit = quota_of(user.quota_bytes)
        return cls(data={
            "name": user.name, "note": user.note, "quota": number, "unit": unit, "period": user.quota_period,
            "expires": last_day(user.expires_at, zone) if user.expires_at else None,
            "protocols": [name for name in PROTOCOLS if name not in user.closed_protocols]})

    def blame(self, field: str, sentence: str) -> None:
        """Show the fault that a service found at the field that it is of."""
        shown = {"quota_bytes": "quota", "quota_period": "period", "expires_at": "expires",
                 "closed_protocols": "protocols"}.get(field, field)
        if shown in self._fields:
            self._fields[shown].errors = [*self._fields[shown].errors, sentence]
        else:
            self.form_errors.append(sentence)


class ImportForm(FlaskForm):  # type: ignore[misc]
    """A file of users."""

    file = FileField(lazy_gettext("File"), [FileRequired(lazy_gettext("Choose a file."))])
    clash = RadioField(lazy_gettext("A user of the same name"), default="refuse", choices=[
        SelectChoice("refuse", lazy_gettext("is a fault")), SelectChoice("skip", lazy_gettext("stays as it is")),
        SelectChoice("replace", lazy_gettext("is replaced"))])
    dry_run = BooleanField(lazy_gettext("Only check"), default=True)


def end_of_day(last: date, zone: ZoneInfo) -> datetime:
    """Return the moment when that day ends in the zone."""
    return datetime.combine(last + timedelta(days=1), time(), zone)


def last_day(end: datetime, zone: ZoneInfo) -> date:
    """Return the day that ends at that moment, or in which it lies."""
    return (end - timedelta(microseconds=1)).astimezone(zone).date()


def quota_of(count: int | None) -> tuple[str, str]:
    """Return bytes as a number and a unit of the form, without a loss."""
    if count is None:
        return "", _USUAL_UNIT
    unit = next((unit for unit, size in reversed(UNITS.items()) if count >= size), "MB")
    return f"{Decimal(count) / UNITS[unit]:f}".rstrip("0").rstrip(".") if count % UNITS[unit] else str(
        count // UNITS[unit]), unit


