import dataclasses
import logging
from zoneinfo import ZoneInfo

import pytest

from panel import PanelConfig
from panel.logs import LineFormatter
from tests.admin.panel_file import PATH, SECRETS, SESSION_KEY


def formatted(config: PanelConfig, message: str, *values: object, fault: BaseException | None = None) -> str:
    trace = (type(fault), fault, fault.__traceback__) if fault else None
    record = logging.LogRecord("panel", logging.INFO, __file__, 1, message, values, trace)
    record.created = 1_790_000_000.25
    return LineFormatter(config).format(record)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_passes_from_a_message_into_a_line(config: PanelConfig, secret: str) -> None:
    assert formatted(config, "before %s after", secret).endswith("before *** after")


def test_no_secret_passes_from_a_traceback_into_a_line(config: PanelConfig) -> None:
    try:
        raise ValueError(f"{PATH}/users {SESSION_KEY}")
    except ValueError as fault:
        text = formatted(config, "failed", fault=fault)
    assert text.endswith("ValueError: /***/users ***")


def test_text_from_outside_cannot_pass_for_a_line_of_its_own(config: PanelConfig) -> None:
    text = formatted(config, "read %s", "/x\n2026-01-01 ERROR panel: forged\r\x1b[2Jgone")
    assert text.split("\n")[1:] == ["    2026-01-01 ERROR panel: forged\\x0d\\x1b[2Jgone"]


def test_a_line_begins_with_the_time_in_the_configured_zone(config: PanelConfig) -> None:
    berlin = dataclasses.replace(config, time_zone=ZoneInfo("Europe/Berlin"))
    assert formatted(berlin, "up") == "2026-09-21T16:13:20.250+02:00 INFO panel: up"
