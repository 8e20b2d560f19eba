from pathlib import Path

import pytest

from policy import exceptions

DEPARTURES = exceptions.read()
SERVICES = {"admin", "caddy", "singbox", "trojan", "tunnel", "wireguard", "xray"}


def test_there_are_four_departures_and_each_has_services_and_a_reason() -> None:
    assert len(DEPARTURES) == 4
    assert all(set(row.services) <= SERVICES and row.services and row.cis and row.allowed for row in DEPARTURES)
    assert all(row.reason.endswith(".") and len(row.reason) > 40 for row in DEPARTURES)


@pytest.mark.parametrize("row", DEPARTURES, ids=lambda row: row.cis[0])
def test_the_document_shows_each_departure_as_the_table_has_it(row: exceptions.Departure) -> None:
    services = "all" if set(row.services) == SERVICES else ", ".join(row.services)
    shown = f"| {', '.join(row.cis)} | {services} | {row.departure} | {row.reason} |"
    assert shown in Path("docs/security-model.md").read_text().splitlines()
