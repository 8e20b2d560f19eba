import json
from datetime import UTC, datetime, timedelta

import pytest

from ops.drift.record import Record
from ops.operations.words import span
from ops.schedule import DRIFT, Job
from tests.ops.operations.fakes import FakeEngine, entry, ops

STATS = [{"Name": "stealth-xray", "CPUPerc": "12.50%", "MemUsage": "45.5MiB / 512MiB"},
         {"Name": "stealth-admin", "CPUPerc": "0.10%", "MemUsage": "1.5GiB / 2GiB"},
         {"Name": "stealth-trojan", "CPUPerc": "--", "MemUsage": "-- / --"}]


def test_a_well_server_is_said_to_be_so_and_the_code_is_0(engine: FakeEngine) -> None:
    done = ops("status")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "All is well: 6 services are healthy."
    assert "the first to end is www.stealth.test on 2999-01-01" in done.output


def test_what_is_taken_stands_beside_its_limit(engine: FakeEngine) -> None:
    engine.answers[("stats",)] = "\n".join(map(json.dumps, STATS))
    rows = {line.split()[0]: line for line in ops("status").output.splitlines() if line}
    assert "0.12 of 1 " in rows["xray"]
    assert "46 of 512" in rows["xray"]
    assert "1536 of 512" in rows["admin"]
    assert " - " in rows["trojan"]


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"health": "unhealthy", "said": "tcp 127.0.0.1:8001:\n refused."}, "is unhealthy: tcp 127.0.0.1:8001: refused"),
    ({"health": "starting"}, "is still starting"),
    ({"state": "restarting", "exit_code": 1, "restarts": 7}, "ends again and again (exit code 1, 7 restarts)"),
    ({"state": "exited", "exit_code": 137, "out_of_memory": True}, "does not run (exit code 137, out of memory)"),
    ({"state": "created", "error": "port is taken"}, "was never started (port is taken)"),
    ({"state": "paused"}, "is paused. Run `docker unpause stealth-xray`")])
def test_what_is_wrong_is_a_sentence_with_what_to_do(
    engine: FakeEngine, changes: dict[str, object], sentence: str,
) -> None:
    engine.entries["xray"] = entry("xray", **changes)  # type: ignore[arg-type]
    done = ops("status")
    assert done.exit_code == 1
    assert f"! xray {sentence}" in done.output
    assert done.output.splitlines()[-1] == "Something is wrong: 5 of 6 services are healthy, 1 faults."


def test_a_service_without_a_container_is_missing(engine: FakeEngine) -> None:
    del engine.entries["trojan"]
    assert "! trojan has no container. Run `make up`." in ops("status").output


def test_where_nothing_is_deployed_one_line_says_so(engine: FakeEngine) -> None:
    engine.entries.clear()
    done = ops("status")
    assert done.exit_code == 1
    assert done.output.splitlines()[-1] == "Nothing is deployed here. Run `make up`."
    assert "!" not in done.output


def test_an_expired_certificate_and_a_warning_of_the_panel_are_wrong(engine: FakeEngine) -> None:
    gone = datetime.now(UTC) - timedelta(hours=3)
    engine.overview = {"certificates": [
        {"name": "www.stealth.test", "expires_at": gone.isoformat(), "fault": ""},
        {"name": "q.stealth.test", "expires_at": None, "fault": "its certificate could not be read."}],
        "warnings": ["The disk is full.\x1b[2J"]}
    done = ops("status")
    assert done.exit_code == 1
    assert "! The certificate of www.stealth.test has expired." in done.output
    assert "Certificates: 1 and 1 not read yet, the first to end is www" in done.output
    assert "! The panel warns: The disk is full.\\x1b[2J" in done.output
    assert "(past)" in done.output


@pytest.mark.parametrize(("is_scheduled", "end"), [(True, "one is made each day"), (False, "none is made by itself")])
def test_the_last_backup_is_told_with_its_age(engine: FakeEngine, is_scheduled: bool, end: str) -> None:
    assert "backup" not in ops("status").output
    made = datetime.now(UTC) - timedelta(hours=3, minutes=1)
    engine.overview["backup"] = {"made_at": made.isoformat(), "size_bytes": 5_000_000, "is_scheduled": is_scheduled}
    assert f"Last backup: 3 h ago, 5.0 MB; {end}.\n" in ops("status").output
    assert json.loads(ops("status", "--json").output)["backup"]["size_bytes"] == 5_000_000


def test_without_the_panel_the_certificates_are_said_to_be_unknown(engine: FakeEngine) -> None:
    engine.entries["admin"] = entry("admin", "exited")
    assert "Certificates: not known" in ops("status").output


def test_programs_get_one_document(engine: FakeEngine) -> None:
    engine.entries["xray"] = entry("xray", health="unhealthy", said="refused")
    done = ops("status", "--json")
    found = json.loads(done.output)
    assert done.exit_code == 1
    assert found["well"] is False
    by_name = {service["name"]: service for service in found["services"]}
    assert by_name["xray"]["health"] == "unhealthy"
    assert by_name["caddy"]["since"] == "2026-11-30T01:00:00+00:00"
    assert by_name["caddy"]["memory_limit_bytes"] == 512 << 20


@pytest.mark.parametrize(("length", "text"), [
    (timedelta(seconds=59), "59 s"), (timedelta(minutes=1), "1 min"), (timedelta(minutes=119), "119 min"),
    (timedelta(hours=2), "2 h"), (timedelta(hours=47), "47 h"), (timedelta(days=2), "2 d"), (timedelta(-1), "0 s")])
def test_a_span_is_told_in_its_largest_useful_unit(length: timedelta, text: str) -> None:
    assert span(length) == text


def test_drift_that_was_found_is_wrong_and_what_it_is_about_is_named(engine: FakeEngine) -> None:
    assert "rift" not in ops("status").output
    Record(at=datetime(2026, 11, 30, 4, 40, 7, tzinfo=UTC), subjects=(
        "service xray", "service xray", "network stealth-vpn")).write("local")
    done = ops("status")
    assert done.exit_code == 1
    assert ("! Drift was found at 2026-11-30 04:40 UTC, 3 findings: service xray, network stealth-vpn. "
            "`ops drift` looks again, and shows what differs.") in done.output


@pytest.mark.parametrize(("is_daily", "end"), [(True, "looked for each day"), (False, "not looked for by itself")])
def test_a_look_that_found_none_is_told_with_its_age(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, is_daily: bool, end: str,
) -> None:
    monkeypatch.setattr(Job, "stands", lambda job, _: job is DRIFT and is_daily)
    Record(at=datetime.now(UTC) - timedelta(hours=3, minutes=1)).write("local")
    done = ops("status")
    assert done.exit_code == 0, done.output
    assert f"Drift: none 3 h ago; it is {end}." in done.output
    assert json.loads(ops("status", "--json").stdout)["drift"]["subjects"] == []


def test_the_panel_s_warning_of_drift_is_left_out_where_a_look_was_kept(engine: FakeEngine) -> None:
    engine.overview["warnings"] = ["Drift was found on 2026-11-30 at 04:40 UTC: service xray; run `ops drift`."]
    assert "The panel warns: Drift was found" in ops("status").output
    Record(at=datetime.now(UTC)).write("local")
    done = ops("status")
    assert done.exit_code == 0, done.output
