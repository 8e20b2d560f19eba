import json

from tests.ops.operations.fakes import FakeEngine, entry, ops


def test_every_check_is_run_now_and_all_good_is_said(engine: FakeEngine) -> None:
    # The engine's own verdict is old: the check of this moment counts.
    engine.entries["xray"] = entry("xray", health="unhealthy")
    done = ops("health")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[-1] == "All is well: 6 checks passed."


def test_a_failed_check_is_told_with_its_own_words(engine: FakeEngine) -> None:
    engine.faults["xray"] = "http 503: not measured yet"
    done = ops("health")
    assert done.exit_code == 1
    assert "BAD" in next(line for line in done.output.splitlines() if line.endswith("http 503: not measured yet"))
    assert done.output.splitlines()[-1].startswith("1 of 6 checks failed")


def test_what_does_not_run_has_not_passed(engine: FakeEngine) -> None:
    engine.entries["trojan"] = entry("trojan", "exited", exit_code=2)
    done = ops("health", "trojan", "--json")
    assert done.exit_code == 1
    (found,) = json.loads(done.output)
    assert found["service"] == "trojan"
    assert "does not run (exit code 2)" in found["said"]


def test_one_service_can_be_asked_for_by_either_name_and_a_wrong_name_is_refused(engine: FakeEngine) -> None:
    assert "1 checks passed" in ops("health", "stealth-xray").output
    done = ops("health", "nginx")
    assert done.exit_code == 1
    assert done.output.startswith("Error: nginx is no service of this server. Name one of admin, caddy,")
