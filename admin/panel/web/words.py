"""What the store and the services call things, in words for people."""

from dataclasses import dataclass

from flask_babel import lazy_gettext

from ..protocols import ENGINES, PROTOCOLS, host_and_engine
from ..store.models import MAIN
from ..users.bulk import BulkAction


@dataclass(frozen=True, kw_only=True)
class Shown:
    """How a state looks: its title, and the kind of its badge (good, warn, bad or none)."""

    title: str
    kind: str = ""
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that can be done to users, and what comes of it."""

    does: BulkAction
    title: str
    consequence: str
    done: str
    is_dangerous: bool = False
    """Whether it cannot be undone."""


STATUSES = {
    "active": Shown(title=lazy_gettext("Active"), kind="good"),
    "disabled": Shown(title=lazy_gettext("Disabled")),
    "expired": Shown(title=lazy_gettext("Expired"), kind="warn"),
    "limited": Shown(title=lazy_gettext("Quota used up"), kind="warn"),
}

ENGINE_STATES = {
    "applied": Shown(title=lazy_gettext("Up to date"), kind="good", meaning=lazy_gettext(
        "The engine has every change of users.")),
    "pending": Shown(title=lazy_gettext("Pending"), kind="warn", meaning=lazy_gettext(
        "The engine is being told of the last changes; that takes a second or two.")),
    "failed": Shown(title=lazy_gettext("Failed"), kind="bad", meaning=lazy_gettext(
        "The engine cannot be told. Who could use it before still can; the panel tries again and again.")),
}

ENGINE_TITLES = {"xray": "Xray", "trojan": "Trojan-Go", "singbox": "sing-box", "wireguard": "WireGuard"}

HOST_STATES = {
    True: Shown(title=lazy_gettext("Answers"), kind="good"),
    False: Shown(title=lazy_gettext("Does not answer"), kind="bad"),
}
"""By whether a host is healthy."""

ENGINE_PROTOCOLS = {engine: [protocol.title for protocol in PROTOCOLS.values() if protocol.engine == engine]
                    for engine in ENGINES}


def engine_title(key: str) -> str:
    """Return how an engine of a host is called, such as Xray, or Xray (two) at a further host of a fleet."""
    host, engine = host_and_engine(key)
    title = ENGINE_TITLES.get(engine, engine)
    return title if host == MAIN else f"{title} ({host})"


PERIODS = {
    "none": lazy_gettext("once, for good"),
    "day": lazy_gettext("anew each day"),
    "week": lazy_gettext("anew each week"),
    "month": lazy_gettext("anew each month"),
    "year": lazy_gettext("anew each year"),
}

ACTIONS = {
    "enable": Action(
        does="enable", title=lazy_gettext("Enable"),
        done=lazy_gettext("Enabled."),
        consequence=lazy_gettext("The user can connect again within a second or two.")),
    "disable": Action(
        does="disable", title=lazy_gettext("Disable"),
        done=lazy_gettext("Disabled."),
        consequence=lazy_gettext("Open connections are cut and new ones refused, until the user is enabled again.")),
    "reset-usage": Action(
        does="reset_usage", title=lazy_gettext("Reset usage"),
        done=lazy_gettext("The usage begins at zero."),
        consequence=lazy_gettext("The quota's period begins anew with nothing used. The sums of all the time stay.")),
    "revoke-link": Action(
        does="revoke_link", title=lazy_gettext("Revoke link"),
        done=lazy_gettext("The old link is invalid. This is the new one."),
        consequence=lazy_gettext("The present link becomes invalid and a new one is made. "
                                 "Clients that have fetched their configuration go on working."),
        is_dangerous=True),
    "renew-secrets": Action(
        does="renew_secrets", title=lazy_gettext("Renew secrets"),
        done=lazy_gettext("The user has new secrets."),
        consequence=lazy_gettext("Everything that clients have fetched becomes invalid and open connections are cut. "
                                 "Clients must fetch the link again."),
        is_dangerous=True),
    "delete": Action(
        does="delete", title=lazy_gettext("Delete"),
        done=lazy_gettext("Deleted."),
        consequence=lazy_gettext("The user and their secrets are removed for good and their connections are cut."),
        is_dangerous=True),
}

