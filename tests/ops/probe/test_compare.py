"""Comparison, known differences and score."""

from dataclasses import fields, replace

import pytest

from ops.probe.compare import Difference, compare
from ops.probe.known import TABLE, explanation, read
from ops.probe.line import Endpoint
from ops.probe.observation import Observation, differing, time_class
from ops.probe.probes import Probe
from ops.probe.score import Score, as_json, tell
from ops.probe.timing import Timing, ranked

SEEN = Observation(
    connection="accepted", records=(("handshake", 122), ("application_data", 900)), alert="level 2, 50",
    hello=("version 0303",), certificates=("subject - names a",), protocol="TLSv1.3 x h2", answer=("HTTP/1.1 200 OK",),
    answer_records=(("application_data", 139),), end="fin", after="at once")
OTHER = {
    "connection": "reset", "records": (("handshake", 122), ("application_data", 950)), "alert": "level 2, 80",
    "hello": ("version 0302",), "certificates": (), "protocol": "TLSv1.2 x h2", "answer": ("HTTP/1.1 404 Not Found",),
    "answer_records": (("alert", 139),), "end": "reset", "after": "30 to 52 s"}
OURS, PLAIN = (Endpoint(host=host, domain="stealth.test") for host in ("ours", "plain"))
TABLE_TEXT = "| `udp/h3/q/*` | answer, end | Hysteria2 |\n"


def difference(name: str, *changed: str) -> Difference:
    return Difference(probe=Probe(name=name, look=lambda _: SEEN), fields=changed, ours=SEEN, plain=SEEN)


def test_the_same_is_no_difference() -> None:
    assert differing(SEEN, replace(SEEN)) == ()


@pytest.mark.parametrize("field", [item.name for item in fields(Observation)])
def test_a_difference_in_any_field_is_seen_and_explained(field: str) -> None:
    assert differing(replace(SEEN, **{field: OTHER[field]}), SEEN) == (field,)  # type: ignore[arg-type]
    assert tell(field)


def test_signatures_may_differ_by_some_bytes_and_the_number_of_records_may_not() -> None:
    near = replace(SEEN, records=(("handshake", 122), ("application_data", 903)))
    assert differing(near, SEEN) == ()
    assert differing(replace(SEEN, records=SEEN.records[:1]), SEEN) == ("records",)


def test_a_probe_that_always_differs_is_found_and_one_that_lost_a_race_is_not() -> None:
    turns = iter(["reset", "fin", "fin", "fin", "fin"])

    def constant(endpoint: Endpoint) -> Observation:
        return Observation(end=endpoint.host)

    def racing(endpoint: Endpoint) -> Observation:
        return Observation(end=next(turns) if endpoint.host == "ours" else "fin")

    ticks: list[int] = []
    found = compare([Probe(name="racing", look=racing), Probe(name="constant", look=constant)],
                    OURS, PLAIN, lambda: ticks.append(1))
    assert [(item.probe.name, item.fields, item.ours.end, item.plain.end) for item in found] == [
        ("constant", ("end",), "ours", "plain")]
    assert len(ticks) == 2


def test_a_server_that_refuses_is_an_observation() -> None:
    def refused(endpoint: Endpoint) -> Observation:
        if endpoint.host == "ours":
            raise ConnectionRefusedError
        return SEEN

    (found,) = compare([Probe(name="refused", look=refused)], OURS, PLAIN, lambda: None)
    assert found.ours.connection == "ConnectionRefusedError"


def test_a_row_explains_its_probes_and_its_fields_only() -> None:
    rows = read(TABLE_TEXT)
    assert explanation(difference("udp/h3/q/GET", "answer"), rows) == rows[0]
    assert explanation(difference("udp/h3/q/GET", "answer", "protocol"), rows) is None
    assert explanation(difference("udp/h3/www/GET", "answer"), rows) is None


def test_the_document_has_rows_that_the_tool_reads() -> None:
    rows = read(TABLE.read_text())
    assert rows
    assert all(row.reason and row.fields <= {item.name for item in fields(Observation)} for row in rows)


def test_every_difference_on_tcp_counts_and_on_udp_those_that_no_row_explains() -> None:
    names = [*(f"hello/{index}" for index in range(90)), *(f"udp/h3/q/{index}" for index in range(10))]
    score = Score.of(names, [], read(TABLE_TEXT))
    assert score.line() == (
        "Score: 100 of 100 (90 TCP probes, 0 differ; 10 UDP probes, 0 differ and 0 kinds of documented differences)")
    found = [difference("hello/1", "end"), difference("udp/h3/q/1", "end"), difference("udp/h3/q/2", "alert")]
    score = Score.of(names, found, read(TABLE_TEXT))
    assert (score.points, score.tcp_differing, score.udp_undocumented, score.udp_kinds) == (98, 1, 1, 1)


def test_one_difference_among_thousands_is_no_full_score() -> None:
    assert Score.of(["a"] * 3000, [difference("a", "end")], []).points == 99


def test_a_difference_as_json_has_both_sides() -> None:
    found = as_json(difference("udp/h3/q/1", "end"), read(TABLE_TEXT))
    assert found == {"probe": "udp/h3/q/1", "known": "Hysteria2",
                     "fields": {"end": {"ours": "fin", "plain": "fin", "tells": tell("end")}}}


def test_time_classes_keep_45_and_60_seconds_apart() -> None:
    assert [time_class(seconds) for seconds in (0.1, 5, 45, 60, 100)] == [
        "at once", "3 to 12 s", "30 to 52 s", "52 to 90 s", "later"]


def test_ranks_tell_a_shift_and_no_shift() -> None:
    low, high = [index / 1000 for index in range(60)], [1 + index / 1000 for index in range(60)]
    delta, probability = ranked(high, low)
    assert delta == 1
    assert probability < 1e-6
    delta, probability = ranked(low, low)
    assert (delta, probability) == (0, 1)


@pytest.mark.parametrize(("delta", "probability", "apart"), [
    (0.5, 1e-6, True), (-0.5, 1e-6, True), (0.3, 1e-6, False), (0.5, 0.01, False)])
def test_a_latency_tells_only_when_it_is_certain_and_large(delta: float, probability: float, apart: bool) -> None:
    found = Timing(label="cdn", measure="connect", ours_seconds=1, plain_seconds=1, delta=delta,
        probability=probability)
    assert found.tells_apart is apart
    assert ("TELLS APART" in found.line()) is apart
