from collections.abc import Iterator

from ops.verify import containers
from ops.verify.checks import Check, judged
from ops.verify.host import HostFacts
from ops.verify.inspect import Observed
from tests.ops.verify.samples import changed, facts, process
from tests.ops.verify.test_promises import promises
from tests.ops.verify.test_rights import PLAIN

BEGINNING, BEGUN = facts(process(NoNewPrivs="0")), facts(process())


def judge(found: HostFacts) -> list[Check]:
    bad = [name for name, item in found.processes.items() if item.status["NoNewPrivs"] == "0"]
    return [judged("stealth-xray", "no process can gain privileges", map(str, bad), "")]


def test_a_health_check_that_only_begins_is_no_difference() -> None:
    looks: Iterator[HostFacts] = iter([BEGINNING, BEGINNING, BEGUN])
    assert containers.settled(lambda: next(looks), judge, 0) is BEGUN


def test_what_stays_is_a_difference_after_a_few_looks() -> None:
    looks = iter([BEGINNING] * 4)
    assert containers.settled(lambda: next(looks), judge, 0) is BEGINNING
    assert list(looks) == []


def test_a_kept_promise_is_looked_at_once() -> None:
    looks = iter([BEGUN])
    assert containers.settled(lambda: next(looks), judge, 0) is BEGUN


def test_every_container_is_judged_but_those_named_and_after_an_up_those_that_touch_the_server() -> None:
    observed = Observed(containers=(changed(), PLAIN), networks=(), volumes=(), images=(), info={}, version={})

    def chosen(*beside: str, only_own: bool = False) -> list[str]:
        return [entry["Name"] for entry in containers.chosen(promises(), observed, beside, only_own=only_own)]

    assert chosen() == ["/stealth-xray", "/other"]
    PLAIN["HostConfig"]["PortBindings"] = {"80/tcp": [{"HostPort": "9999"}]}
    try:
        assert chosen("other") == ["/stealth-xray", "/other"], "a published port is judged, whoever is named"
        assert chosen(only_own=True) == ["/stealth-xray"], "and fails no deploy"
    finally:
        PLAIN["HostConfig"]["PortBindings"] = {}
    assert chosen("other", "stealth-xray") == chosen(only_own=True) == ["/stealth-xray"]
