"""What the API takes and gives. Fields are listed one by one, and others are refused: nothing is assigned unseen."""

from marshmallow import RAISE, Schema, fields, validate

from ..protocols import PROTOCOLS
from ..store.models import LAST_ID
from ..users import bulk
from ..users.fields import MOST_BYTES, QUOTA_PERIODS
from ..users.search import MOST_CHARACTERS, MOST_PER_PAGE

_STATUSES = ("active", "disabled", "expired", "limited")
_SORTS = ("name", "created", "expires", "used", "traffic", "seen")
ACTIONS: dict[str, bulk.BulkAction] = {
    "enable": "enable", "disable": "disable", "reset-usage": "reset_usage", "revoke-link": "revoke_link",
    "renew-secrets": "renew_secrets", "delete": "delete"}
"""What may be done to users, by its name in addresses and requests."""

_MOST_AT_ONCE = 10_000
ID = validate.Range(1, LAST_ID)


QUERY = {"location": "query", "unknown": RAISE}
"""Where a question's fields come from; by itself webargs passes over those that it does not know."""


class Strict(Schema):
    """A schema that refuses what it does not know."""

    class Meta:
        unknown = RAISE


class UserChangeFields(Strict):
    """What may be said of a user."""

    name = fields.String(metadata={"description": "1 to 64 characters, unique whatever its case."})
    note = fields.String(metadata={"description": "Text for the operators."})
    quota_bytes = fields.Integer(
        strict=True, allow_none=True, validate=validate.Range(1, MOST_BYTES),
        metadata={"description": "Up and down together in one period; null for no limit."})
    quota_period = fields.String(validate=validate.OneOf(QUOTA_PERIODS))
    expires_at = fields.AwareDateTime(allow_none=True, metadata={"description": "Null for never."})
    closed_protocols = fields.List(fields.String(validate=validate.OneOf(sorted(PROTOCOLS))))


class NewUserFields(UserChangeFields):
    """What may be said of a user to be."""

    name = fields.String(required=True, metadata={"description": "1 to 64 characters, unique whatever its case."})


class UserAnswer(Schema):
    """A user, without secrets."""

    id = fields.Integer()
    name = fields.String()
    note = fields.String()
    status = fields.String(validate=validate.OneOf(_STATUSES))
    is_enabled = fields.Boolean()
    is_online = fields.Boolean(metadata={"description": "Heard from in the last three minutes."})
    closed_protocols = fields.List(fields.String())
    open_protocols = fields.List(fields.String(), metadata={"description": "What serves the user while active."})
    quota_bytes = fields.Integer(allow_none=True)
    quota_period = fields.String(validate=validate.OneOf(QUOTA_PERIODS))
    period_began_at = fields.AwareDateTime()
    period_used_bytes = fields.Integer()
    up_bytes = fields.Integer()
    down_bytes = fields.Integer()
    expires_at = fields.AwareDateTime(allow_none=True)
    created_at = fields.AwareDateTime()
    last_seen_at = fields.AwareDateTime(allow_none=True)
    link_read_at = fields.AwareDateTime(allow_none=True)
    link_read_by = fields.String(metadata={"description": "What the program said of itself (User-Agent)."})
    revision = fields.Integer(metadata={"description": "What If-Match takes, in quotes."})


class UserList(Schema):
    """One page of users."""

    users = fields.List(fields.Nested(UserAnswer))
    total = fields.Integer()
    page = fields.Integer()
    pages = fields.Integer()


class UserFilter(Strict):
    """Which users, and in which order."""

    name = fields.String(metadata={"description": "Exactly this name, whatever its case."})
    search = fields.String(load_default="", validate=validate.Length(max=MOST_CHARACTERS))
    status = fields.String(load_default="", validate=validate.OneOf(["", *_STATUSES]))
    sort = fields.String(load_default="name", validate=validate.OneOf(_SORTS))
    descending = fields.Boolean(load_default=False)
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10**6))
    page_size = fields.Integer(load_default=50, validate=validate.Range(1, MOST_PER_PAGE))


class Link(Schema):
    """A user's link."""

    url = fields.String(metadata={"description": "The address that every client program takes."})


class UsageAnswer(Schema):
    """A user's traffic by one protocol."""

    protocol = fields.String()
    up_bytes = fields.Integer()
    down_bytes = fields.Integer()
    open_connections = fields.Integer()
    last_seen_at = fields.AwareDateTime(allow_none=True)


class Bulk(Strict):
    """Several users."""

    ids = fields.List(
        fields.Integer(strict=True, validate=ID), required=True, validate=validate.Length(1, _MOST_AT_ONCE))


class BulkAction(Bulk):
    """One action for several users."""

    action = fields.String(required=True, validate=validate.OneOf(ACTIONS))


class BulkChange(Bulk):
    """The same change of several users."""

    change = fields.Nested(UserChangeFields, required=True, metadata={
        "description": "Anything but the name."})


class Done(Schema):
    """How many users an action changed."""

    changed = fields.Integer()
