"""The hosts of a fleet, and which of them users are told of."""

from datetime import UTC, datetime
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields

from .. import fleet
from ..accounts import current_actor, requires
from ..context import config, database, engines
from ..fleet import HostHealth, UnknownHostError
from . import errors
from .schemas import Strict

blueprint = Blueprint("api_hosts", __name__, url_prefix="/hosts", description="The hosts of a fleet.")
errors.handle(blueprint)


class HostAnswer(Schema):
    """A host: the panel's own, or a further one of a fleet."""

    name = fields.String()
    domain = fields.String()
    is_healthy = fields.Boolean(metadata={"description": "Whether one of its engines has answered within a minute."})
    drained = fields.Boolean(metadata={"description": "Whether users are not told of it any more."})
    seen_at = fields.AwareDateTime(allow_none=True, metadata={"description": "When one of its engines last answered."})


class HostChange(Strict):
    """What may be said of a host."""

    drained = fields.Boolean(required=True)


@blueprint.route("")
@requires("server:read")
@blueprint.response(200, HostAnswer(many=True))
def index() -> list[HostHealth]:
    """List the hosts, the panel's own first."""
    return _hosts()


@blueprint.route("/<name>", methods=["PUT"])
# It changes what every user's link says, as a change of each user would.
@requires("users:write")
@blueprint.arguments(HostChange)
@blueprint.response(200, HostAnswer)
def change(said: dict[str, Any], name: str) -> HostHealth:
    """Tell users of a host no more, or again."""
    with database().write() as session:
        fleet.drain(session, current_actor(), config(), name, said["drained"])
    return next(host for host in _hosts() if host.name == name)


@blueprint.errorhandler(UnknownHostError)
def _unknown(error: UnknownHostError) -> errors.Answer:
    return {"code": 404, "status": "Not Found", "message": error.sentence}, 404


def _hosts() -> list[HostHealth]:
    # A list: the framework takes a tuple for an answer with its code and headers.
    with database().read() as session:
        return list(engines().hosts(session, datetime.now(UTC)))
