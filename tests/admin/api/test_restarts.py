import pytest

from tests.admin.api.conftest import Api


def test_a_restart_by_the_watchdog_stands_in_the_audit_log(api: Api) -> None:
    api("POST", "/restarts?service=xray&reason=hangs%3A+it+is+stopped", status=204)
    (entry,) = api("GET", "/audit?search=service.restart")["entries"]
    assert (entry["target"], entry["detail"]) == ("xray", {"reason": "hangs: it is stopped"})


@pytest.mark.parametrize("question", [
    "", "service=xray", "service=Xray&reason=a", "service=xray%0A&reason=a", "service=xray&reason=",
    f"service=xray&reason={'a' * 401}", "service=xray&reason=a&other=1"])
def test_what_is_no_note_of_a_restart_is_refused(api: Api, question: str) -> None:
    api("POST", f"/restarts?{question}", status=422)
    assert api("GET", "/audit?search=service.restart")["entries"] == []
