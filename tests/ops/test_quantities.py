from datetime import UTC, datetime

import click
import pytest

from ops.quantities import Moment, Size, shown_size


@pytest.mark.parametrize(("text", "count"), [
    ("50GB", 50 * 10**9), ("50g", 50 * 10**9), ("2GiB", 2 * 2**30), ("1.5TB", 15 * 10**11), ("500 MB", 5 * 10**8),
    ("7", 7), ("none", None)])
def test_amounts_are_read_in_both_kinds_of_units(text: str, count: int | None) -> None:
    assert Size().convert(text, None, None) == count


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "1 XB", "1e9", "1GB2"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it like 50GB"):
        Size().convert(text, None, None)


def test_a_date_ends_with_its_day_and_a_span_begins_now() -> None:
    assert Moment().convert("2027-01-31", None, None) == "2027-01-31T23:59:59+00:00"
    assert Moment().convert("never", None, None) is None
    span = Moment().convert("30d", None, None)
    assert span
    assert 29.9 < (datetime.fromisoformat(span) - datetime.now(UTC)).total_seconds() / 86400 < 30.1


@pytest.mark.parametrize("text", ["2027-02-30", "30", "31.01.2027", "-1d", "soon"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it like 2027-01-31"):
        Moment().convert(text, None, None)


@pytest.mark.parametrize(("count", "shown"), [
    (None, "-"), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (50 * 10**9, "50.0 GB"), (10**12, "1.0 TB")])
def test_amounts_are_shown_as_people_read_them(count: int | None, shown: str) -> None:
    assert shown_size(count) == shown
