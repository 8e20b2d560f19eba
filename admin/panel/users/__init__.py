"""What may be done to a user. Each function checks, writes the audit entry and counts the store's revision up.

All take a session of `Database.write()`: what they did is committed with it, or not at all. They raise UserError for
what an operator can mend.
"""

from .errors import UnknownUserError, UserError
from .fields import UNCHANGED, NewUser, UserChange
from .revisions import await_writers
from .search import Page, UserQuery, by_name, find, search
from .service import (
    create,
    delete,
    edit,
    find_for_change,
    purge,
    renew_secrets,
    reset_usage,
    revoke_link,
    start,
    switch,
)
from .status import refresh_status, roll_periods

__all__ = [
    "UNCHANGED", "NewUser", "Page", "UnknownUserError", "UserChange", "UserError", "UserQuery", "await_writers",
    "by_name", "create", "delete", "edit", "find", "find_for_change", "purge", "refresh_status", "renew_secrets",
    "reset_usage", "revoke_link", "roll_periods", "search", "start", "switch",
]
