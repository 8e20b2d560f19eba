"""Rules for single configured values; each check names the key, the fault, the rule and the fix.

Deliberately without Pulumi's config: components/settings.py reads, this module judges.
"""

import ipaddress
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from typing import NoReturn

from .errors import SettingsError

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# RFC 1123 section 2.1 host names, at least two labels, and a last label that is not a number.
_HOST_NAME = re.compile(rf"^({_LABEL}\.)+(?=[a-z0-9-]*[a-z]){_LABEL}$", re.IGNORECASE)
_LOG_SIZE = re.compile(r"^[1-9][0-9]*[kmg]$")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION_PART = re.compile(r"([0-9]+)(ms|h|m|s)")
# RFC 1918, RFC 6598 and RFC 4193.
_PRIVATE = tuple(map(ipaddress.ip_network, (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
# Where Alibaba Cloud, AWS and Google Cloud tell a machine its credentials; all others do it by link-local addresses.
_METADATA = ("100.100.100.200/32", "fd00:ec2::254/128", "fd20:ce::254/128")
# Room for six container addresses, the gateway and the two reserved ones.
_LONGEST_NETWORK_PREFIX = 24
# Room for the server and two users, who take two addresses each, with the two reserved ones.
_LONGEST_PEERS_PREFIX = 29
_BACKUP_PERIODS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")  # RFC 4193 section 3.1

RESERVED_USERNAMES = frozenset({"ops", "panel"})
"""What no account of the panel is called; the panel has its own list, and a test compares the two."""


def refuse(key: str, value: object, rule: str) -> NoReturn:
    """Raise SettingsError with the sentence an operator can act on."""
    fault = f"{key} is {value}, but {rule}."
    raise SettingsError(f"{fault} Fix it with `pulumi config set {key} <value>`.", key=key, fault=fault)


def refuse_secret(key: str, rule: str) -> NoReturn:
    """Raise SettingsError for a value that nobody may read on a screen."""
    fault = f"{key} is not valid (it is secret and not shown), but {rule}."
    raise SettingsError(f"{fault} Fix it with `pulumi config set --secret {key} <value>`.", key=key, fault=fault)


def check_username(key: str, value: str) -> None:
    """Refuse what the panel takes for no account's name."""
    # ASCII: the panel, which reads it, takes nothing else.
    if not (value.isascii() and value.isidentifier()):
        refuse(key, value, "it must consist of letters, digits and _, and not begin with a digit")
    if value.casefold() in RESERVED_USERNAMES:
        refuse(key, value, "the panel's audit log calls the command line and the panel itself so; an account of that "
                           "name that is there already stays")


def check_port(key: str, value: int) -> None:
    """Refuse what no TCP or UDP listener can bind."""
    if not 1 <= value <= 65535:
        refuse(key, value, "a port lies between 1 and 65535")


def check_host_name(key: str, value: str) -> None:
    """Refuse what is no fully qualified host name (RFC 1123)."""
    # The longest name made of the domain is www.<domain>; RFC 1035 allows 253 characters in text.
    if len(value) > 249 or not _HOST_NAME.match(value):
        refuse(key, value, "it must be a host name such as example.com")


def check_mail(key: str, value: str) -> None:
    """Refuse what is no mail address."""
    local_part, _, domain = value.rpartition("@")
    if not local_part or any(character.isspace() for character in value):
        refuse(key, value, "it must be a mail address such as admin@example.com")
    check_host_name(key, domain)


def check_database(key: str, value: str) -> None:
    """Refuse what is no address of a PostgreSQL server; empty is SQLite, in the panel's own volume."""
    if value and not re.fullmatch(r"postgresql\+psycopg://[^\s/]+/[^\s/]+", value):
        refuse_secret(key, "it must be an address such as postgresql+psycopg://user:password@host/name, or empty")


def check_target(key: str, value: str, schemes: tuple[str, ...]) -> None:
    """Refuse what is no address with one of these schemes and a host; empty is none."""
    if value and not re.fullmatch(rf"({'|'.join(schemes)})://[^\s/?#]+\S*", value):
        refuse_secret(key, f"it must be an address such as {schemes[0]}://user:password@host, or empty")


def check_directory(key: str, value: str) -> None:
    """Refuse what is no address of an ACME directory (RFC 8555 section 6.1: HTTPS only)."""
    if not re.fullmatch(r"https://[\w.:\[\]-]+(/[\w./~-]*)?", value, re.ASCII):
        refuse(key, value, "it must be an address such as https://ca.example.com/directory")


def check_choice(key: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a value outside a closed set."""
    if value not in (allowed := tuple(choices)):
        refuse(key, value, f"it must be one of {', '.join(allowed)}")


def check_at_least(key: str, value: int, least: int) -> None:
    """Refuse a count below its least sensible value."""
    if value < least:
        refuse(key, value, f"it must be at least {least}")


def check_log_size(key: str, value: str) -> None:
    """Refuse what Docker's json-file driver does not take as max-size."""
    if not _LOG_SIZE.match(value):
        refuse(key, value, "a log size is a number and k, m or g, such as 10m")


def log_bytes(key: str, value: str) -> int:
    """Return the bytes of a size that json-file takes; its units are powers of 1024 (docker/go-units, RAMInBytes)."""
    check_log_size(key, value)
    return int(value[:-1]) << {"k": 10, "m": 20, "g": 30}[value[-1]]


def check_data_dir(key: str, value: str) -> None:
    """Refuse what is no path of a folder on the host; empty is none."""
    # It becomes a part of a script and of a unit of systemd, each with its own rules for all other characters.
    if value and (not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", value) or {".", ".."} & set(value.split("/"))):
        refuse(key, value, "it must be an absolute path on the host, of letters, digits, dots, _ and -")


def parse_subnet(key: str, value: str) -> ipaddress.IPv4Network:
    """Return a private IPv4 subnet; host bits set or a public range are refused."""
    try:
        subnet = ipaddress.IPv4Network(value)
    except ValueError:
        refuse(key, value, "it must be an IPv4 subnet such as 172.20.0.0/16, without host bits")
    if not subnet.is_private:
        refuse(key, value, "it must lie in a private range (RFC 1918)")
    return subnet


def parse_subnet6(key: str, value: str) -> ipaddress.IPv6Network:
    """Return a unique local IPv6 subnet of at least a /64; host bits set or a public range are refused."""
    try:
        subnet = ipaddress.IPv6Network(value)
    except ValueError:
        refuse(key, value, "it must be an IPv6 subnet such as fd9c:3b1e:7a20:1::/64, without host bits")
    if not subnet.subnet_of(_UNIQUE_LOCAL) or subnet.prefixlen > 64:
        refuse(key, value, "it must lie in fc00::/7 (RFC 4193), with a prefix of at most /64")
    return subnet


def check_network(key: str, value: str) -> ipaddress.IPv4Network:
    """Return the containers' subnet, refusing one too small for their fixed addresses."""
    subnet = parse_subnet(key, value)
    if subnet.prefixlen > _LONGEST_NETWORK_PREFIX:
        refuse(key, value, f"its prefix must be at most /{_LONGEST_NETWORK_PREFIX}")
    return subnet


def check_peers(key: str, value: str) -> ipaddress.IPv4Network:
    """Return the WireGuard peers' subnet, refusing one without room for a user beside the server."""
    subnet = parse_subnet(key, value)
    if subnet.prefixlen > _LONGEST_PEERS_PREFIX:
        refuse(key, value, f"its prefix must be at most /{_LONGEST_PEERS_PREFIX}: each user takes two addresses")
    return subnet


def parse_network(key: str, value: str) -> _Network:
    """Return a network of either family; a single address is one too."""
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        refuse(key, value, "each entry must be a network such as 192.168.10.0/24, without host bits")


def check_egress_allowed(key: str, value: str, own: Mapping[str, str]) -> None:
    """Refuse a network that is not private, or that holds one of the server's own, given by name, or its provider's."""
    network = parse_network(key, value)
    if not any(_contains(private, network) for private in _PRIVATE):
        refuse(key, value, "each entry must lie in a private range (RFC 1918, RFC 6598 or RFC 4193)")
    for name, subnet in {**own, **{f"the cloud's metadata at {address}": address for address in _METADATA}}.items():
        if network.overlaps(ipaddress.ip_network(subnet)):
            refuse(key, value, f"it must not overlap {name}")


def _contains(outer: _Network, inner: _Network) -> bool:
    # subnet_of() raises TypeError across families.
    return outer.version == inner.version and outer.overlaps(inner) and outer.prefixlen <= inner.prefixlen


def check_address(key: str, value: str) -> None:
    """Refuse what is no IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        refuse(key, value, "each entry must be an IP address")


def check_time_zone(key: str, value: str) -> None:
    """Refuse what is no IANA time zone; looking this one up is quicker than listing all."""
    try:
        zoneinfo.ZoneInfo(value)
    # A missing zone is a KeyError, an absolute path a ValueError, and a folder such as Europe an OSError.
    except (KeyError, ValueError, OSError):
        refuse(key, value, "it must be an IANA time zone such as UTC")


def duration_seconds(key: str, value: str) -> float:
    """Return the seconds of a duration in Go's syntax (time.ParseDuration), such as 1m30s."""
    parts = _DURATION_PART.findall(value)
    if not parts or "".join(number + unit for number, unit in parts) != value:
        refuse(key, value, "it must be a duration such as 30s or 1m30s")
    seconds = sum(int(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    if seconds <= 0:
        refuse(key, value, "it must be longer than nothing")
    return seconds


def check_backup_target(key: str, value: str) -> None:
    """Refuse what is no place that backups are kept in; its secrets never stand in it."""
    if value.startswith("sftp:"):
        if not re.fullmatch(r"sftp:(//)?[^\s@:/-][^\s@:/]*@[^\s:/]+(:\d+)?[:/]/?\S+", value):
            refuse(key, value, "an SSH server is written as sftp:user@host:/path, or sftp://user@host:port//path")
    elif value.startswith("s3:"):
        if not re.fullmatch(r"s3:https?://[^\s/@]+/[^\s/]+(/\S+)?", value):
            refuse(key, value, "an S3 bucket is written as s3:https://host/bucket/path, and its keys stand in "
                               "backupCredentialsFile")
    elif not value or value.startswith("-") or re.match(r"[a-z0-9]+:", value):
        refuse(key, value or "empty", "it must be a folder, or begin with sftp: or s3:")


def parse_backup_keep(key: str, value: str) -> dict[str, int]:
    """Return how many backups are kept by period; none when all are."""
    found: dict[str, int] = {}
    for part in filter(None, (text.strip() for text in value.split(","))):
        count, _, period = part.partition(" ")
        if not re.fullmatch("[1-9][0-9]*", count) or period not in _BACKUP_PERIODS or period in found:
            refuse(key, value, f"it must be numbers of {', '.join(_BACKUP_PERIODS)}, such as 7 daily, 5 weekly")
        found[period] = int(count)
    return found
