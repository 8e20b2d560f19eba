"""Users as files by the API: the forms that docs/users.md describes, as they are and not wrapped into anything."""

from typing import Any

from flask import Response, make_response, request
from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from .. import exports
from ..accounts import current_actor, requires
from ..context import config, database
from ..limits import IMPORT_BYTES, MOST_IMPORTED
from ..users.exchange import EXPORTS, ImportReport, import_users
from . import errors
from .schemas import QUERY, Strict

blueprint = Blueprint("api_exchange", __name__, description="Users as files.")
errors.handle(blueprint)


class ImportOptions(Strict):
    """How users are taken over."""

    dry_run = fields.Boolean(load_default=False, metadata={"description": "Only say what would come of it."})
    on_clash = fields.String(load_default="refuse", validate=validate.OneOf(["refuse", "skip", "replace"]), metadata={
        "description": "What becomes of a name that is there already."})


class ImportLimits(Schema):
    """How large a file may be."""

    most_bytes = fields.Integer()
    most_users = fields.Integer()


class ImportAnswer(Schema):
    """What an import did, or would do."""

    created = fields.Integer()
    replaced = fields.Integer()
    skipped = fields.Integer()
    lacks = fields.List(fields.String(), metadata={"description": "A sentence for each user without WireGuard."})


class ImportFault(Schema):
    """One reason why a file is refused."""

    line = fields.Integer()
    name = fields.String(metadata={"description": "The user's, as far as it could be read."})
    field = fields.String()
    sentence = fields.String()


class ImportRefusal(Schema):
    """Why a file is refused; nothing of it was taken."""

    code = fields.Integer()
    status = fields.String()
    message = fields.String()
    faults = fields.List(fields.Nested(ImportFault))


class ExportOptions(Strict):
    """As what users are given out."""

    format = fields.String(load_default="json", validate=validate.OneOf(EXPORTS))


@blueprint.route("/import")
class Import(MethodView):
    """Users that come as a file."""

    @requires("users:write")
    @blueprint.response(200, ImportLimits)
    def get(self) -> dict[str, int]:
        """Say how large a file may be; the web server in front asks this before it lets a client send one."""
        return {"most_bytes": IMPORT_BYTES, "most_users": MOST_IMPORTED}

    @requires("users:write")
    @blueprint.doc(requestBody={"required": True, "content": {"application/json": {"schema": {}}}, "description": (
        "An export, or a users.json of another panel, byte for byte: faults are told with the line of the file.")})
    @blueprint.arguments(ImportOptions, **QUERY)
    @blueprint.response(200, ImportAnswer)
    @blueprint.alt_response(422, schema=ImportRefusal, description="Nothing was taken.")
    def post(self, asked: dict[str, Any]) -> ImportReport | Response:
        """Take users in from a file: all of them, or none and every reason why."""
        if not request.is_json:
            errors.refuse(415, "The file was sent as something else; send it with Content-Type: application/json.")
        with database().write() as session:
            report = import_users(session, current_actor(), config().server, request.get_data(),
                                  on_clash=asked["on_clash"], dry_run=asked["dry_run"])
        return _refusal(report) if report.faults else report


def _refusal(report: ImportReport) -> Response:
    refusal = {"code": 422, "status": "Unprocessable Entity", "faults": report.faults,
               "message": "Nothing was imported; correct the file's faults, and import it again."}
    return make_response(ImportRefusal().dump(refusal), 422)


@blueprint.route("/export", methods=["POST"])
@requires("users:write")
@blueprint.doc(responses={"200": {"content": {
    "application/json": {"schema": {"type": "object"}}, "text/csv": {"schema": {"type": "string"}}}}})
@blueprint.arguments(ExportOptions, **QUERY)
@blueprint.response(200)
def give(asked: dict[str, Any]) -> Response:
    """Give all users out as a file, JSON with secrets or CSV without; by POST, for the audit log tells of it."""
    return exports.answer(asked["format"])
