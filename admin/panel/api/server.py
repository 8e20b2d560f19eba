"""What is known of the server: engines, certificates, traffic, and what was done."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from .. import audit, backups, drift
from ..accounts import current_actor, requires
from ..context import config, database, engines
from ..engines import traffic
from ..users.fields import MOST_BYTES
from . import errors, shapes
from .hosts import HostAnswer
from .schemas import ID, QUERY, Strict

_REASON_CHARACTERS = 400
_SUBJECT_CHARACTERS = 200
_MOST_SUBJECTS = 50

blueprint = Blueprint("api_server", __name__, description="The server, and what was done to it.")
errors.handle(blueprint)


class EngineAnswer(Schema):
    """Health of an engine."""

    name = fields.String(metadata={"description": "Such as `xray`, or `two/xray` at a further host of a fleet."})
    state = fields.String(validate=validate.OneOf(["applied", "pending", "failed"]))
    fault = fields.String()
    users = fields.Integer()
    lag_seconds = fields.Float(metadata={"description": "Since the engine last had all users as the store has them."})
    seen_at = fields.AwareDateTime(allow_none=True)


class CertificateAnswer(Schema):
    """A certificate that the site shows."""

    name = fields.String()
    expires_at = fields.AwareDateTime(allow_none=True)
    fault = fields.String()


class UncountedAnswer(Schema):
    """An engine of which traffic is not counted now."""

    engine = fields.String()
    began_at = fields.AwareDateTime()
    fault = fields.String()


class BackupAnswer(Schema):
    """What is known of the last backup."""

    made_at = fields.AwareDateTime(allow_none=True)
    size_bytes = fields.Integer()
    is_scheduled = fields.Boolean(metadata={"description": "Whether one is made each day."})
    expected_since = fields.AwareDateTime()


class BackupNote(Strict):
    """What `ops backup` tells."""

    is_scheduled = fields.Boolean(required=True)
    size_bytes = fields.Integer(strict=True, load_default=None, allow_none=True, validate=validate.Range(0, MOST_BYTES),
                                metadata={"description": "Of a good backup that was made now; null if none was."})


class DriftAnswer(Schema):
    """What was changed at the server past its code, as the last look found it."""

    found_at = fields.AwareDateTime()
    subjects = fields.List(fields.String())


class DriftNote(Strict):
    """What `ops drift` tells after a look."""

    subjects = fields.List(fields.String(validate=validate.Length(1, _SUBJECT_CHARACTERS)), required=True,
                           validate=validate.Length(max=_MOST_SUBJECTS),
                           metadata={"description": "What is not as it was deployed; empty if all is."})


class RestartNote(Strict):
    """What the watchdog tells; as a question, because it sends no body."""

    service = fields.String(required=True, validate=validate.Regexp(r"[a-z]{1,32}\Z"))
    reason = fields.String(required=True, validate=validate.Length(1, _REASON_CHARACTERS))


class OverviewAnswer(Schema):
    """The server at one moment."""

    engines = fields.List(fields.Nested(EngineAnswer))
    hosts = fields.List(fields.Nested(HostAnswer), metadata={"description": "Only where there is a fleet."})
    certificates = fields.List(fields.Nested(CertificateAnswer))
    uncounted = fields.List(fields.Nested(UncountedAnswer))
    users = fields.Dict(keys=fields.String(), values=fields.Integer(), metadata={"description": "Number by status."})
    online = fields.Integer()
    up_bytes = fields.Integer()
    down_bytes = fields.Integer()
    backup = fields.Nested(BackupAnswer, allow_none=True)
    drift = fields.Nested(DriftAnswer, allow_none=True)
    warnings = fields.List(fields.String(), metadata={"description": "What is wrong now, the oldest first."})


class TrafficFilter(Strict):
    """Which traffic."""

    span = fields.String(load_default="hour", validate=validate.OneOf(["hour", "day"]))
    count = fields.Integer(load_default=24, validate=validate.Range(1, 90 * 24))
    user_id = fields.Integer(load_default=None, allow_none=True, validate=ID)


class SpanAnswer(Schema):
    """Traffic from a moment on."""

    began_at = fields.AwareDateTime()
    up_bytes = fields.Integer()
    down_bytes = fields.Integer()


@blueprint.route("/overview")
@requires("server:read")
@blueprint.response(200, OverviewAnswer)
def overview() -> dict[str, Any]:
    """Show engines, certificates and sums."""
    found = engines().overview()
    shown = asdict(found)
    if not found.is_fleet:
        del shown["hosts"]
    return shown


@blueprint.route("/backup", methods=["PUT"])
# Of owners and `ops`, and no token's: it could make operators believe in a backup that is none.
@requires("accounts:write")
@blueprint.arguments(BackupNote)
@blueprint.response(204)
def note_backup(said: dict[str, Any]) -> None:
    """Write down that a backup was made, or whether one is made each day."""
    with database().write() as session:
        backups.note(session, datetime.now(UTC), **said)


@blueprint.route("/drift", methods=["PUT"])
# Of owners and `ops`, as a note of a backup is.
@requires("accounts:write")
@blueprint.arguments(DriftNote)
@blueprint.response(204)
def note_drift(said: dict[str, Any]) -> None:
    """Write down what a look for drift has found, or that nothing is left of it."""
    with database().write() as session:
        drift.note(session, datetime.now(UTC), said["subjects"])


@blueprint.route("/restarts", methods=["POST"])
# Of owners and `ops`, as a note of a backup is.
@requires("accounts:write")
@blueprint.arguments(RestartNote, **QUERY)
@blueprint.response(204)
def note_restart(said: dict[str, Any]) -> None:
    """Write down that a service hung and was restarted, which operators are told."""
    with database().write() as session:
        audit.record(session, current_actor(), "service.restart", said["service"], reason=said["reason"])


@blueprint.route("/traffic")
@requires("server:read")
@blueprint.arguments(TrafficFilter, **QUERY)
@blueprint.response(200, SpanAnswer(many=True))
def by_time(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Show traffic by hour or day, of one user or of all; the oldest first."""
    now = datetime.now(UTC)
    with database().read() as session:
        if asked["span"] == "hour":
            return shapes.of_spans(traffic.by_hour(session, now, asked["count"], asked["user_id"]))
        return shapes.of_spans(
            traffic.by_day(session, now, min(asked["count"], 90), config().time_zone, asked["user_id"]))
