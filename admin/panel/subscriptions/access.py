"""Which protocols a user may use now."""

from ..config import ServerFacts
from ..protocols import open_protocols
from ..store.models import User


def usable(server: ServerFacts, user: User) -> list[str]:
    """Return the protocols that are open for the user now, in the order in which clients should try them."""
    return open_protocols(user, server) if user.status == "active" else []
