import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from panel.alerts import conditions
from panel.backups import Backup
from panel.drift import Drift
from panel.engines import Certificate, Engine, Overview, Uncounted

NOW = datetime(2026, 11, 25, tzinfo=UTC)
STORE = Path("/var/lib/admin/panel.db")


@pytest.fixture(autouse=True)
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The disk of the store; none of the tests looks at the machine's."""
    disk = SimpleNamespace(free=10 * 2**30, total=20 * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: disk)
    return disk


def kinds(
    *, state: str = "applied", lag: float = 0, lifetime_days: float = 90, left_days: float = 60,
    audit_broken_at: int | None = None, store: Path | None = STORE,
) -> list[str]:
    ends = NOW + timedelta(days=left_days)
    overview = Overview(
        engines=(Engine(name="xray", state=state, fault="gone.", users=0, lag_seconds=lag, seen_at=None),),
        certificates=(Certificate(
            name="www.example.com", began_at=ends - timedelta(days=lifetime_days), expires_at=ends),
            Certificate(name="cdn.example.com", fault="its certificate could not be read.")),
        users={}, online=0, up_bytes=0, down_bytes=0, warnings=())
    return [condition.kind for condition in conditions.found(overview, NOW, store, audit_broken_at)]


def test_of_a_healthy_server_nothing_is_told() -> None:
    assert kinds() == []


def test_an_engine_is_told_after_two_minutes() -> None:
    assert kinds(state="failed", lag=119) == []
    assert kinds(state="failed", lag=120) == ["engine_failed"]
    assert kinds(state="pending", lag=500) == [], "it has just not been asked"


@pytest.mark.parametrize(("lifetime_days", "left_days", "told"), [
    (365, 15, 0), (365, 13.9, 1), (365, 3.1, 1), (365, 2.9, 2), (365, -1, 2),
    # Let's Encrypt's renewal is due with 30 days left.
    (90, 29, 0), (90, 13.9, 1),
    # Caddy's own authority signs for 12 hours, and renews with 4 hours left.
    (0.5, 0.4, 0), (0.5, 3 / 24, 0), (0.5, 1 / 24, 2),
])
def test_a_certificate_is_told_when_its_renewal_is_overdue(lifetime_days: float, left_days: float, told: int) -> None:
    wanted = ["certificate_expires", "certificate_expires_soon"][:told]
    assert kinds(lifetime_days=lifetime_days, left_days=left_days) == wanted


UNREAD = Certificate(name="a", fault="its certificate could not be read (Connection refused).",
                     fault_began_at=NOW - conditions.CERTIFICATE_PATIENCE)


def of_certificates(*certificates: Certificate) -> tuple[list[str], set[str]]:
    """Return the keys of what is wrong with them, and of what nobody knows."""
    overview = Overview(
        engines=(), certificates=certificates, users={}, online=0, up_bytes=0, down_bytes=0, warnings=())
    return [found.key for found in conditions.found(overview, NOW, None, None)], conditions.undecided(overview)


def test_a_certificate_that_cannot_be_read_for_long_is_told_as_that() -> None:
    assert of_certificates(UNREAD)[0] == ["certificate_unreadable a"]
    assert of_certificates(replace(UNREAD, fault_began_at=NOW - timedelta(minutes=9)))[0] == [], "Caddy restarts"


def test_of_a_certificate_that_cannot_be_read_the_last_look_holds() -> None:
    due = replace(UNREAD, began_at=NOW - timedelta(days=80), expires_at=NOW + timedelta(days=10))
    assert of_certificates(due)[0] == ["certificate_expires a", "certificate_unreadable a"]
    assert of_certificates(replace(due, fault_began_at=NOW)) == (
        ["certificate_expires a"], {"certificate_unreadable a"})


@pytest.mark.parametrize("unknown", [Certificate(name="a"), UNREAD], ids=["not read yet", "never read"])
def test_of_a_certificate_that_was_never_read_nothing_is_over(unknown: Certificate) -> None:
    assert of_certificates(unknown)[1] == {
        "certificate_expires a", "certificate_expires_soon a", "certificate_unreadable a"}


def test_of_a_certificate_that_was_read_everything_is_known() -> None:
    read = Certificate(name="a", began_at=NOW - timedelta(days=10), expires_at=NOW + timedelta(days=80))
    assert of_certificates(read) == ([], set())


def test_traffic_that_is_not_counted_is_told_after_two_minutes() -> None:
    def told(seconds: int) -> list[str]:
        traffic = Uncounted(engine="xray", began_at=NOW - timedelta(seconds=seconds), fault="gone.")
        overview = Overview(engines=(), certificates=(), uncounted=(traffic,), users={}, online=0, up_bytes=0,
                            down_bytes=0, warnings=())
        return [f"{found.key}: {found.sentence}" for found in conditions.found(overview, NOW, None, None)]

    assert told(119) == []
    assert told(120) == [
        "traffic_uncounted xray: Traffic of xray is not counted, so no quota stops it: gone."]


def test_a_full_disk_is_told(disk: SimpleNamespace) -> None:
    disk.free = 199 * 2**20
    assert kinds() == ["disk_nearly_full"]
    assert kinds(store=None) == [], "PostgreSQL's disk is not ours to know"
    disk.free, disk.total = 20 * 2**20, 100 * 2**20
    assert kinds() == [], "a small disk may be small"


@pytest.mark.parametrize(("is_scheduled", "hours", "told"), [
    (True, 25, False), (True, 27, True), (False, 27, False), (False, 8 * 24 + 1, True)])
@pytest.mark.parametrize("is_made", [True, False])
def test_backups_that_stopped_or_never_began_are_told(
    is_made: bool, is_scheduled: bool, hours: int, told: bool,
) -> None:
    then = NOW - timedelta(hours=hours)
    backup = Backup(made_at=then if is_made else None, size_bytes=5, is_scheduled=is_scheduled,
                    expected_since=NOW - timedelta(days=99) if is_made else then)
    overview = Overview(engines=(), certificates=(), users={}, online=0, up_bytes=0, down_bytes=0, warnings=(),
                        backup=backup)
    found = list(conditions.found(overview, NOW, None, None))
    assert [condition.kind for condition in found] == ["backup_overdue"] * told
    assert all(f"{then:%Y-%m-%d at %H:%M} UTC; run `make backup`" in condition.sentence for condition in found)


def test_drift_is_told_with_what_it_is_about_and_no_more_than_five_of_it() -> None:
    drift = Drift(found_at=NOW, subjects=tuple(f"service {letter}" for letter in "abcdefg"))
    overview = Overview(engines=(), certificates=(), users={}, online=0, up_bytes=0, down_bytes=0, warnings=(),
                        drift=drift)
    (found,) = conditions.found(overview, NOW, None, None)
    assert found.key == "drift_found server"
    assert found.sentence == ("Drift was found on 2026-11-25 at 00:00 UTC: service a, service b, service c, service d, "
                              "service e and 2 more; run `ops drift`, which shows what was changed past the code.")
    (found,) = conditions.found(replace(overview, drift=replace(drift, subjects=("service a",))), NOW, None, None)
    assert "UTC: service a; run" in found.sentence


def test_a_broken_audit_log_is_told() -> None:
    assert kinds(audit_broken_at=1) == ["audit_broken"]
