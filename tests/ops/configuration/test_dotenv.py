"""Files of variables, as the specification and Docker Compose write them."""

from pathlib import Path

import pytest

from ops.configuration import dotenv, variables
from ops.errors import OperatorError
from ops.target import schema

# The specification's chapter "Environment Configuration", word for word.
SPECIFIED = """
DOMAIN=your-domain.com
EMAIL=admin@your-domain.com
ADMIN_USERNAME=admin
ADMIN_PASSWORD_HASH=<bcrypt-hash>
SESSION_SECRET=<random-hex>

# Service Ports
XRAY_VISION_PORT=8001
XRAY_WEBSOCKET_PORT=8004
TROJAN_PORT=8002
SINGBOX_SHADOWTLS_PORT=8003
SINGBOX_HYSTERIA_PORT=8005
SINGBOX_TUIC_PORT=8006
WIREGUARD_SERVER_PORT=51820
WIREGUARD_WEBSOCKET_PORT=8006
ADMIN_PANEL_PORT=8010

# Network
VPN_SUBNET=10.66.66.0/24
DNS_SERVERS=1.1.1.1,8.8.8.8
TZ=UTC

# Security
RATE_LIMIT_ADMIN=5
RATE_LIMIT_VPN=1000
SESSION_TIMEOUT=3600

# Logging
LOG_LEVEL=INFO
LOG_RETENTION_DAYS=7
LOG_MAX_SIZE=10M
LOG_MAX_FILES=3
"""


def read(tmp_path: Path, text: str | bytes) -> dict[str, dotenv.Variable]:
    file = tmp_path / ".env"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return dotenv.read(file)


def taken(tmp_path: Path, text: str) -> dict[str, object]:
    found = variables.from_file(".env", read(tmp_path, text), schema())
    return {key: item.value for key, item in found.items()}


def test_each_variable_of_the_specification_is_taken_in_its_type_or_named_as_not_taken(tmp_path: Path) -> None:
    names = read(tmp_path, SPECIFIED).keys()
    assert names == variables.KEYS.keys() | variables.NOT_TAKEN.keys()
    found = taken(tmp_path, SPECIFIED)
    assert found.keys() == set(variables.KEYS.values())
    # But for the first two, these are our defaults.
    defaults = {key: schema()[key]["default"] for key in found.keys() - {"domain", "email"}}
    assert found == defaults | {"domain": "your-domain.com", "email": "admin@your-domain.com"}


@pytest.mark.parametrize(("line", "value"), [
    ("TZ=UTC", "UTC"), ("TZ = UTC ", "UTC"), ("export TZ=UTC", "UTC"), ("TZ='UTC' # here", "UTC"), ('TZ="UTC"', "UTC"),
    ("TZ=UTC # here", "UTC"), ("TZ=UTC#here", "UTC#here"), ("TZ='#'", "#"), ("TZ=", ""), ("TZ= # none", ""),
    ("TZ=UTC\r", "UTC"), ("\ufeffTZ=UTC", "UTC")])
def test_values_are_read_as_compose_reads_them(tmp_path: Path, line: str, value: str) -> None:
    assert read(tmp_path, f"{line}\n")["TZ"].value == value


@pytest.mark.parametrize(("text", "sentence"), [
    ("TZ=UTC\nhunter2\n", "line 2 of .* is no variable"),
    ("TZ='UTC\n", "the quotes of TZ do not end"),
    ("TZ=UTC\nTZ=CET\n", "has TZ in line 1 and again in line 2"),
    (b"TZ=\xff\n", "it is no UTF-8")])
def test_a_faulty_file_is_refused_by_its_line(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    with pytest.raises(OperatorError, match=sentence) as refused:
        read(tmp_path, text)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read: No such file"):
        dotenv.read(tmp_path / "none")


@pytest.mark.parametrize(("text", "sentence"), [
    ("PASWORD=x\nTZ=UTC\nDOMIAN=y\n", r"does not know: PASWORD \(line 1\), DOMIAN \(line 3\)"),
    ("TZ=$ZONE\n", r"TZ in line 1 of \.env refers to another variable"),
    ("TROJAN_PORT=many\n", r"TROJAN_PORT in line 1 of \.env is many, but trojanPort is of type integer"),
    ("TROJAN_PORT=\n", "TROJAN_PORT in line 1 of .env is empty")])
def test_what_is_no_variable_of_ours_or_no_value_is_refused_by_name(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(OperatorError, match=sentence):
        taken(tmp_path, text)
