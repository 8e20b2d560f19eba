from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from panel.users.errors import UserError
from panel.users.fields import NewUser, UserChange, checked


def test_what_is_not_said_stays_out_of_a_change_and_none_is_said() -> None:
    assert checked(UserChange()) == {}
    assert checked(UserChange(quota_bytes=None, expires_at=None)) == {"quota_bytes": None, "expires_at": None}


def test_a_new_user_has_every_field() -> None:
    assert checked(NewUser(name="alice")) == {
        "name": "alice", "note": "", "quota_bytes": None, "quota_period": "none", "expires_at": None,
        "closed_protocols": []}


def test_times_are_kept_in_utc_and_protocols_in_order() -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))
    values = checked(UserChange(
        expires_at=datetime(2027, 1, 1, 3, 30, tzinfo=tehran), closed_protocols=("tuic", "trojan", "tuic")))
    assert values == {"expires_at": datetime(2027, 1, 1, tzinfo=UTC), "closed_protocols": ["trojan", "tuic"]}


@pytest.mark.parametrize(("field", "value"), [
    ("quota_bytes", 0), ("quota_bytes", -1), ("quota_bytes", 2**60 + 1), ("quota_bytes", True), ("quota_bytes", 1.5),
    ("quota_bytes", "5"), ("quota_period", "hour"), ("quota_period", None), ("quota_period", ["day"]),
    ("expires_at", datetime(2027, 1, 1)), ("expires_at", "2027-01-01"),
    ("expires_at", datetime(1999, 12, 31, tzinfo=UTC)), ("expires_at", datetime.max.replace(tzinfo=UTC)),
    ("closed_protocols", ("pptp",)), ("closed_protocols", "tuic"), ("closed_protocols", (["tuic"],)),
    ("closed_protocols", None),
])
def test_a_value_that_breaks_its_rule_is_refused_with_its_field_and_what_to_do(field: str, value: Any) -> None:
    with pytest.raises(UserError) as refused:
        checked(UserChange(**{field: value}))
    assert refused.value.field == field
    assert "; " in refused.value.sentence
