"""What an operator should know without having to look for it, in sentences of their language."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask_babel import gettext

from ..config import ServerFacts
from ..engines import Overview
from ..store.models import User
from ..users import addresses
from .words import ENGINE_TITLES

_NOTICE = timedelta(days=14)


def of_server(overview: Overview, now: datetime) -> Iterator[str]:
    """Yield what is wrong with the server."""
    for engine in overview.engines:
        if engine.state == "failed":
            yield gettext("%(engine)s cannot be told of changes: users who were added cannot use it yet, and users "
                          "who were disabled still can.", engine=ENGINE_TITLES[engine.name])
    for certificate in overview.certificates:
        if certificate.is_due(now, _NOTICE):
            yield gettext("The certificate of %(name)s ends soon and was not renewed; look at Caddy's log.",
                          name=certificate.name)


def of_user(user: User, server: ServerFacts | None) -> Iterator[str]:
    """Yield what keeps a user from something."""
    if user.status == "expired":
        yield gettext("This user has expired and is refused everywhere. Give a later last day to let them in again.")
    elif user.status == "limited":
        yield gettext("This user has used up their quota and is refused everywhere, until the next period begins, "
                      "the quota is raised or the usage is reset.")
    if lack := addresses.lack(user, server):
        yield lack
