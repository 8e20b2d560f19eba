from typing import Any

from ops.events import Follower
from ops.verdict import Verdict


def broken(name: str, fault: str, level: str = "mandatory") -> dict[str, Any]:
    return {"policyEvent": {"policyName": name, "enforcementLevel": level, "message": f"What should be.\n{fault}\n"}}


def summary(passed: list[str], failed: list[str] | None = None, of: str = "Analyze") -> dict[str, Any]:
    # The engine leaves an empty list out.
    return {f"policy{of}SummaryEvent": {"passed": passed} | ({"failed": failed} if failed else {})}


def judge(*events: dict[str, Any]) -> Verdict:
    follower = Follower(lambda _: None)
    for event in events:
        follower.take(event)
    return follower.verdict


def test_each_policy_counts_once_however_many_resources_it_passed() -> None:
    verdict = judge(summary(["one", "two"]), summary(["one", "two"]),
                    summary(["three"], of="AnalyzeStack"))
    assert verdict.sentence() == "3 policies passed."
    assert verdict.is_whole


def test_a_policy_that_one_resource_breaks_has_not_passed() -> None:
    verdict = judge(summary(["one", "two"]), summary(["one"], ["two"]))
    assert verdict.sentence() == "1 policies passed. 1 advise otherwise."
    assert not verdict.is_whole, "nobody has judged the stack"


def test_a_refusal_names_resource_fault_remedy_and_policy_once_for_preview_and_update() -> None:
    event = broken("no-ports", "admin: it publishes 8010/tcp. Take it out of ports.")
    assert judge(event, event).refusals == ["admin: it publishes 8010/tcp. Take it out of ports. (policy no-ports)"]


def test_advice_stops_nothing() -> None:
    verdict = judge(broken("labels", "xray: it has no label.", "advisory"))
    assert (verdict.refusals, verdict.advice) == ([], ["xray: it has no label. (policy labels)"])
