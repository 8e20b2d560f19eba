"""Users as the store has them, for tests of what is made of them."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from panel.store.models import User
from panel.users import credentials

SECRETS = credentials.make()
NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64)
"""More than the rules for names allow, and what an import may bring as a password."""

# The fixtures' values are the same for every example, which is all that the check is about.
FEW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Examples of what costs a whole file each."""



def user(**changes: Any) -> User:
    """Return an active user who may use everything, with changes; it is in no store."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "id": 17, "name": "alice", "note": "", "is_enabled": True, "status": "active", "closed_protocols": [],
        "secrets": SECRETS, "wireguard_number": 2, "subscription_generation": 1, "quota_bytes": None,
        "quota_period": "none", "period_began_at": now, "period_used_bytes": 0, "up_bytes": 0, "down_bytes": 0,
        "expires_at": None, "created_at": now, "updated_at": now, "deleted_at": None, "last_seen_at": None,
        "revision": 1}
    return User(**values | changes)
