import json
from typing import cast

import pytest

from ops.certificates import explained, reason
from ops.docker import Engine
from ops.errors import OperatorError

REFUSED = "HTTP 400 urn:ietf:params:acme:error:connection - 192.0.2.1: Connection refused"
POINTER = "All that was said is in local.log."


def said(message: str, name: str, error: str = "") -> str:
    return json.dumps({"level": "error", "logger": "tls.obtain", "msg": message, "identifier": name, "error": error})


def missing(name: str, error: str) -> str:
    return said("could not get certificate from issuer", name, error)


@pytest.mark.parametrize(("error", "fix"), [
    (REFUSED, "Let cdn.example.com lead to this server and its port 80 be reached"),
    ("HTTP 429 urn:ietf:params:acme:error:rateLimited - too many", "when the authority allows it"),
    ("[cdn.example.com] creating new order: dial tcp 192.0.2.2:443: connection refused", "reach the authority"),
])
def test_the_reason_of_a_missing_certificate_is_one_sentence_and_a_fix(error: str, fix: str) -> None:
    sentence = reason(f"front: starts\n{{cut\n{missing('cdn.example.com', error)}\n")
    assert sentence is not None
    assert sentence.startswith(f"Caddy has no certificate for cdn.example.com: {error}. ")
    assert fix in sentence
    assert sentence.endswith(".")


def test_what_was_obtained_since_is_not_missing() -> None:
    later = said("certificate obtained successfully", "q.example.com")
    assert reason(f"{missing('q.example.com', REFUSED)}\n{later}") is None
    sentence = reason(f"{missing('t.example.com', REFUSED)}\n{missing('q.example.com', REFUSED)}\n{later}")
    assert sentence is not None
    assert "t.example.com" in sentence


class Logs:
    """An engine of which only the logs are asked."""

    def logs(self, name: str) -> str:
        assert name == "stealth-caddy"
        return missing("q.example.com", REFUSED)


@pytest.mark.parametrize(("fault", "is_explained"), [
    ("Container stealth-caddy is unhealthy (state running); its last lines:\n{...}", True),
    ("Container stealth-xray is unhealthy", False)])
def test_only_caddy_s_own_fault_is_explained_by_its_log(fault: str, is_explained: bool) -> None:
    told = str(explained(cast("Engine", Logs()), OperatorError(f"{fault}\n{POINTER}")))
    assert told.startswith("Caddy has no certificate for q.example.com") is is_explained
    assert told.endswith(POINTER)
    assert ("last lines" in told) is False
