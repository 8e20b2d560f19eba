from pathlib import Path

import pytest

from ops.errors import OperatorError
from ops.promote import shared
from ops.promote.shared import HOST_SPECIFIC
from tests.settings import SCHEMA

DEFAULTS = {key: entry["default"] for key, entry in SCHEMA.items() if "default" in entry}


def test_every_key_is_either_a_host_s_own_or_shared_and_a_new_one_is_shared() -> None:
    assert set(SCHEMA) >= HOST_SPECIFIC
    assert shared.of(DEFAULTS | {"domain": "a.test", "email": "b@a.test"}).keys() == SCHEMA.keys() - HOST_SPECIFIC


def test_no_secret_is_shared() -> None:
    assert {"databaseUrl", "alertWebhookUrl", "alertSmtpUrl", "rotations"} <= HOST_SPECIFIC


def test_the_documents_name_each_key_that_is_a_host_s_own_and_no_other() -> None:
    text = Path("docs/promotion.md").read_text()
    table = text[text.index("| whose |"):text.index("## What is refused")]
    assert {key for key in SCHEMA if f"`{key}`" in table} == HOST_SPECIFIC


def test_a_host_s_own_values_make_no_difference_and_neither_does_how_a_value_is_written() -> None:
    here = DEFAULTS | {"domain": "a.test", "ipv6": True, "logMaxFiles": "3", "dnsServers": "1.1.1.1, 8.8.8.8"}
    there = DEFAULTS | {"domain": "b.test", "databaseUrl": {"secure": "v1:x"}, "allowSysModule": "false"}
    assert shared.of(here) == shared.of(there)
    assert shared.sha256(shared.of(here)) == shared.sha256(dict(reversed(shared.of(there).items())))
    shared.refuse_differing(shared.of(here), "staging", shared.of(there), "prod")


def test_the_values_that_differ_are_named_with_the_file_that_has_them() -> None:
    there = shared.of(DEFAULTS | {"logLevel": "DEBUG", "allowSysModule": "true"})
    with pytest.raises(OperatorError) as told:
        shared.refuse_differing(shared.of(DEFAULTS), "staging", there, "prod")
    assert str(told.value).startswith(
        "Pulumi.prod.yaml is not what was tried on staging: allowSysModule is true and was pinned as false; "
        'logLevel is "DEBUG" and was pinned as "INFO". Change it there')
    with pytest.raises(OperatorError, match=r"mode is \"full\" and was pinned as not known"):
        shared.refuse_differing({}, "staging", {"mode": "full"}, "prod")


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(OperatorError, match=r"logMaxFiles is few, but it is of type integer\. Fix it with `pulumi"):
        shared.of(DEFAULTS | {"logMaxFiles": "few"})
