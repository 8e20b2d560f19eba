"""What each configured value must be like; the tables at the end are the file's form.

A fault is one sentence that names the key, the fault and the fix, and shows no secret.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any

from .config_file import ConfigError
from .protocols import ENGINES
from .store.models import MAIN

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Below a minute an operator is signed out while typing.
_LEAST_SESSION_SECONDS = 60
# OWASP's least cost of bcrypt is 10; beyond 16 one sign-in takes several seconds.
_BCRYPT = r"\$2[aby]\$1[0-6]\$[./A-Za-z0-9]{53}"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}"
# Key and certificate authority in PEM (RFC 7468), or nothing where every system knows the authority.
_PEM = r"(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s-]+-----END CERTIFICATE-----\s*)?"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one value must be like."""

    kinds: tuple[type, ...]
    sentence: str
    accepts: Callable[[Any], bool] = lambda _: True
    is_secret: bool = False

    def check(self, key: str, values: Mapping[str, Any], place: str) -> None:
        """Refuse the value of key, whose full name begins with place, by a ConfigError."""
        if key not in values:
            raise ConfigError(f"{place}{key} is missing, but {self.sentence}; add it to panel.json.")
        value = values[key]
        # Not isinstance: true would pass for 1.
        if type(value) not in self.kinds or not self.accepts(value):
            shown = "not valid (it is secret and not shown)" if self.is_secret else json.dumps(value)
            raise ConfigError(f"{place}{key} is {shown}, but {self.sentence}; correct it in panel.json.")


Rules = Mapping[str, Rule]


def checked(values: Mapping[str, Any], rules: Rules, place: str = "") -> dict[str, Any]:
    """Return the values by their fields' names; raises ConfigError on the first fault.

    Place is what stands in front of a key in a sentence, such as `server.`.
    """
    if type(values) is not dict:
        raise ConfigError(f"{place.rstrip('.')} is no object, but it must be one; correct it in panel.json.")
    for key in values.keys() - rules.keys():
        raise ConfigError(f"{place}{key} is no key of the panel; remove it from panel.json.")
    for key, rule in rules.items():
        rule.check(key, values, place)
    return {re.sub(r"[A-Z]", lambda capital: f"_{capital[0].lower()}", key): value for key, value in values.items()}


def _number(least: int, most: int | None = None) -> Rule:
    span = f"of at least {least}" if most is None else f"from {least} to {most}"
    return Rule(kinds=(int,), accepts=lambda value: least <= value and (most is None or value <= most),
                sentence=f"it must be a whole number {span}")


def _text(pattern: str, meaning: str, *, is_secret: bool = False) -> Rule:
    return Rule(kinds=(str,), accepts=lambda value: re.fullmatch(pattern, value, re.ASCII) is not None,
                sentence=f"it must be {meaning}", is_secret=is_secret)


def _network(version: int) -> Rule:
    def accepts(value: str) -> bool:
        try:
            return ipaddress.ip_network(value).version == version
        except ValueError:
            return False

    return Rule(kinds=(str,), accepts=accepts, sentence=f"it must be an IPv{version} subnet without host bits")


# `checked` judges what is inside.
_OBJECT = Rule(kinds=(dict,), sentence="it must be an object", is_secret=True)
_PATH = _text(r"/[A-Za-z0-9_-]{16,64}", "a slash and 16 to 64 letters, digits, _ or -", is_secret=True)
_KEY = _text(r"[!-~]{32,256}", "32 to 256 visible ASCII characters", is_secret=True)
_FORMER = _text(r"([!-~]{32,256})?", "32 to 256 visible ASCII characters, or empty", is_secret=True)
_NAME = _text(_HOST, "a host name")
_PORT = _number(1, 65535)
_BASE64_KEY = r"[A-Za-z0-9+/]{43}="

ENGINE: Rules = {"url": _text(r"http://[\d.]+:\d{1,5}", "an address such as http://172.21.0.11:8020"), "token": _KEY}

ALERTS: Rules = {
    "webhookUrl": _text(r"(https?://\S+)?", "an address with http:// or https://, or empty", is_secret=True),
    "smtpUrl": _text(r"(smtps?://\S+)?", "an address with smtp:// or smtps://, or empty", is_secret=True),
    "mailTo": _text(r"([^@\s]+@[^@\s]+)?", "a mail address, or empty"),
}

NAMES: Rules = dict.fromkeys(("www", "cdn", "img", "app", "q", "t"), _NAME)

HOST: Rules = {
    "engines": Rule(kinds=(dict,), accepts=lambda value: bool(value) and value.keys() <= set(ENGINES), is_secret=True,
                    sentence=f"it must be an object with a key or more of {', '.join(ENGINES)}"),
    "server": _OBJECT,
}

SERVER: Rules = {
    "domain": _NAME,
    "port": _PORT,
    "names": _OBJECT,
    "authority": _text(_PEM, "certificates in PEM, or empty"),
    "realityPublicKey": _text(r"[A-Za-z0-9_-]{43}", "an X25519 key in unpadded base64url"),
    "realityShortId": _text(r"[0-9a-f]{16}", "16 hexadecimal digits", is_secret=True),
    "websocketPath": _PATH,
    "shadowtlsPassword": _KEY,
    "shadowsocksServerKey": _text(r"[A-Za-z0-9+/]{22}==", "16 bytes in base64", is_secret=True),
    "wireguardPublicKey": _text(_BASE64_KEY, "an X25519 key in base64"),
    "wireguardSubnet": _network(4),
    "wireguardSubnet6": _network(6),
    "wireguardEndpoint": _text(r"[\d.]+:\d{1,5}", "an address and port such as 172.20.0.14:51820"),
    "tunnelPath": _PATH,
    "dnsServers": Rule(
        kinds=(list,), accepts=lambda value: bool(value) and all(map(_is_address, value)),
        sentence="it must be a list of at least one IP address"),
}

PANEL: Rules = {
    "port": _PORT,
    "proxyAddress": _text(r"(\d{1,3}\.){3}\d{1,3}", "an IPv4 address"),
    "path": _PATH,
    "subscriptionPath": _PATH,
    "sessionKey": _KEY,
    "passwordPepper": _KEY,
    "subscriptionKey": _KEY,
    "metricsToken": _KEY,
    "formerPasswordPepper": _FORMER,
    "formerSubscriptionKey": _FORMER,
    "formerMetricsToken": _FORMER,
    "databaseUrl": _text(
        r"(sqlite:///|postgresql\+psycopg://)\S+", "an address with sqlite:/// or postgresql+psycopg://",
        is_secret=True),
    "adminUsername": _text(r"[A-Za-z_][A-Za-z0-9_]*", "letters, digits and _, without a digit in front"),
    "adminPasswordHash": _text(_BCRYPT, "a bcrypt hash of a cost from 10 to 16", is_secret=True),
    "sessionTimeoutSeconds": _number(_LEAST_SESSION_SECONDS),
    "loginRatePerMinute": _number(1),
    "logLevel": _text("|".join(_LOG_LEVELS), f"one of {', '.join(_LOG_LEVELS)}"),
    "engines": Rule(kinds=(dict,), accepts=lambda value: value.keys() <= set(ENGINES), is_secret=True,
                    sentence=f"it must be an object whose keys are among {', '.join(ENGINES)}"),
    "server": Rule(kinds=(dict, NoneType), is_secret=True, sentence="it must be an object, or null without engines"),
    "hosts": Rule(kinds=(dict,), accepts=lambda value: all(map(_is_further_host, value)), is_secret=True,
                  sentence=f"it must be an object, its keys of lower-case letters, digits and hyphens, not {MAIN}"),
    "alerts": _OBJECT,
}


def _is_further_host(name: str) -> bool:
    # The length is that of the store's column.
    return name != MAIN and re.fullmatch("[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name, re.ASCII) is not None


def _is_address(value: object) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return isinstance(value, str)
