"""What an operator should know without having to look for it, in sentences of their language."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..alerts import channels, outbox
from ..config import AlertTargets, ServerFacts
from ..engines import Overview
from ..store.alerts import Alarm
from ..store.models import User
from ..users import addresses
from .words import engine_title

_NOTICE = timedelta(days=14)
# Engines and certificates are looked at here and now; an alarm of theirs would begin late and end late.
_ALARMS = {
    "disk_nearly_full": lazy_gettext("The disk of the panel's store is nearly full; make room on the server."),
    "audit_broken": lazy_gettext("The audit log was changed by somebody else than the panel; "
                                 "compare it with a copy from before."),
    "backup_overdue": lazy_gettext("For too long no backup was made; run `make backup` where the server is deployed "
                                   "from, and mend what it says."),
    "drift_found": lazy_gettext("Something was changed at the server past its code; run `ops drift` where the server "
                                "is deployed from, which shows what, and what mends it."),
    "certificate_unreadable": lazy_gettext("The certificate of %(about)s cannot be read, so nobody knows whether it "
                                           "was renewed; look at Caddy's log."),
    "traffic_uncounted": lazy_gettext("Traffic of %(about)s is not counted, so no quota stops it; look at the logs of "
                                      "that engine and of the panel."),
}
_ALERT_KEYS = {"webhook": "alertWebhookUrl", "mail": "alertSmtpUrl"}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that is not as it should be, and what to do."""

    kind: str
    """How its notice looks: bad if somebody suffers from it now, warn if that may come, empty if it passes."""

    sentence: str


def of_server(session: Session, overview: Overview, alerts: AlertTargets, now: datetime) -> Iterator[Notice]:
    """Yield what is wrong with the server, the worst first."""
    away = {host.name for host in overview.away}
    titles = {state: [engine_title(engine.name) for engine in overview.engines
                      if engine.state == state and engine.host not in away] for state in ("failed", "pending")}
    for host in overview.away:
        yield Notice(kind="bad", sentence=gettext(
            "Host %(name)s does not answer: users' links leave it out while another host answers, whoever uses it may "
            "still do so, and it lacks changes. Run `ops status` where the fleet is deployed from; drain or replace a "
            "host that will not come back.", name=host.name))
    for title in titles["failed"]:
        yield Notice(kind="bad", sentence=gettext(
            "%(engine)s cannot be told of changes: users who were added cannot use it yet, and users who were "
            "disabled still can. The panel tries again and again; if this stays, run `make up` on the server.",
            engine=title))
    for key in session.scalars(select(Alarm.key).where(Alarm.absent_since.is_(None)).order_by(Alarm.began_at)):
        kind, _, about = key.partition(" ")
        if sentence := _ALARMS.get(kind):
            yield Notice(kind="bad", sentence=str(sentence) % {"about": engine_title(about)})
    for certificate in overview.certificates:
        if certificate.is_due(now, _NOTICE):
            yield Notice(kind="warn", sentence=gettext(
                "The certificate of %(name)s ends soon and was not renewed; look at Caddy's log.",
                name=certificate.name))
    for channel in channels.chosen(alerts, ""):
        if outbox.is_deaf(session, channel.name):
            yield Notice(kind="warn", sentence=gettext(
                "Messages to operators do not arrive; correct %(key)s, then run `make up` on the server.",
                key=_ALERT_KEYS[channel.name]))
    for title in titles["pending"]:
        yield Notice(kind="", sentence=gettext(
            "%(engine)s is being told of the last changes; that takes a second or two.", engine=title))


def of_user(user: User, server: ServerFacts | None) -> Iterator[str]:
    """Yield what keeps a user from something."""
    if user.status == "expired":
        yield gettext("This user has expired and is refused everywhere. Give a later last day to let them in again.")
    elif user.status == "limited":
        yield gettext("This user has used up their quota and is refused everywhere, until the next period begins, "
                      "the quota is raised or the usage is reset.")
    if lack := addresses.lack(user, server):
        yield lack
