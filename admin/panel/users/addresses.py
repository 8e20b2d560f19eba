"""WireGuard addresses: each user has two neighbouring numbers in the peers' subnets, one for each way in.

The server has number 1, so users' numbers begin at 2. A number is free again when its user's row is gone, which is
after every engine has forgotten the user.
"""

import ipaddress
from collections.abc import Iterator
from itertools import count

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..config import ServerFacts
from ..store.models import User

_FIRST = 2
_PER_USER = 2


def claim(session: Session, wanted: list[tuple[User, int]], server: ServerFacts | None) -> None:
    """Give users without numbers those that they had elsewhere, as far as they are free and in the subnets."""
    taken = _taken(session)
    for user, number in wanted:
        if user.wireguard_number is None and number not in taken and _reaches(server, number):
            user.wireguard_number = number
            taken.add(number)


def give(session: Session, users: list[User], server: ServerFacts | None) -> None:
    """Give the lowest free numbers to those of users who have none, as far as the subnets reach."""
    without = [user for user in users if user.wireguard_number is None]
    if not without:
        return
    for user, number in zip(without, _free(_taken(session), server), strict=False):
        user.wireguard_number = number


def lack(user: User, server: ServerFacts | None) -> str | None:
    """Return the sentence that says why the user has no WireGuard and what to do, or None."""
    if server is None or user.wireguard_number is not None:
        return None
    return str(_(
        "%(name)s has no WireGuard, for %(subnet)s has no two addresses left; delete users, or set vpnSubnet to a "
        "larger network and run `make up`, which gives addresses to all who have none.",
        name=user.name, subnet=server.wireguard_subnet))


def _taken(session: Session) -> set[int | None]:
    # Those of deleted users as well, until every engine has forgotten them.
    return set(session.scalars(select(User.wireguard_number).where(User.wireguard_number.is_not(None))))


def _free(taken: set[int | None], server: ServerFacts | None) -> Iterator[int]:
    for number in count(_FIRST, _PER_USER):
        if not _reaches(server, number):
            return
        if number not in taken:
            yield number


def _reaches(server: ServerFacts | None, number: int) -> bool:
    # The last address of an IPv4 network is its broadcast address. Without engines there is no subnet to be too small.
    return server is None or all(
        number + _PER_USER < ipaddress.ip_network(subnet).num_addresses
        for subnet in (server.wireguard_subnet, server.wireguard_subnet6))
