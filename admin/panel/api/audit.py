"""The audit log by the API."""

from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from .. import audit
from ..accounts import requires
from ..context import database
from . import errors
from .schemas import QUERY, Strict

blueprint = Blueprint("api_audit", __name__, url_prefix="/audit", description="What was done, by whom and from where.")
errors.handle(blueprint)


class EntryFilter(Strict):
    """Which entries."""

    search = fields.String(load_default="", validate=validate.Length(max=audit.MOST_CHARACTERS), metadata={
        "description": "Words that all stand in an entry."})
    page = fields.Integer(load_default=1, validate=validate.Range(1, 10**6))
    page_size = fields.Integer(load_default=50, validate=validate.Range(1, audit.MOST_PER_PAGE))


class EntryAnswer(Schema):
    """One thing that was done."""

    id = fields.Integer()
    at = fields.AwareDateTime()
    actor = fields.String(metadata={"description": "An account, `token NAME of ACCOUNT`, `ops`, or `panel`."})
    address = fields.String(metadata={"description": "Of the client; empty for what came from no network."})
    action = fields.String()
    target = fields.String()
    detail = fields.Dict()
    previous_hash = fields.String()
    hash = fields.String(metadata={"description": "SHA-256, over previous_hash too."})


class EntryList(Schema):
    """One page of entries, the newest first."""

    entries = fields.List(fields.Nested(EntryAnswer))
    total = fields.Integer()
    page = fields.Integer(attribute="number")
    pages = fields.Integer()


class Verification(Schema):
    """Whether the chain of hashes holds."""

    entries = fields.Integer()
    last_hash = fields.String(metadata={"description": "Keep it elsewhere: it proves all entries up to now."})
    broken_at = fields.Integer(allow_none=True, metadata={
        "description": "Id of the first entry that does not follow from the one before it, or null."})


@blueprint.route("")
@requires("audit:read")
@blueprint.arguments(EntryFilter, **QUERY)
@blueprint.response(200, EntryList)
def index(asked: dict[str, Any]) -> audit.AuditPage:
    """Look through the audit log."""
    with database().read() as session:
        return audit.search(session, asked["search"], asked["page"], asked["page_size"])


@blueprint.route("/verification")
@requires("audit:read")
@blueprint.response(200, Verification)
def verify() -> dict[str, Any]:
    """Check the whole chain of hashes now."""
    with database().read() as session:
        count, last_hash = audit.head(session)
        return {"entries": count, "last_hash": last_hash, "broken_at": audit.broken_at(session)}
