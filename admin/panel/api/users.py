"""Users by the API; what may be done to them is in users/."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from flask_smorest import Blueprint

from .. import subscriptions
from .. import users as service
from ..accounts import current_actor, requires
from ..context import config, database
from ..engines import traffic
from ..store.models import LAST_ID, User
from ..users import NewUser, Page, UserChange, UserQuery, bulk
from . import errors, schemas, shapes

blueprint = Blueprint("api_users", __name__, url_prefix="/users", description="Who may use the server.")
errors.handle(blueprint)
_USER = f"<int(min=1, max={LAST_ID}):user_id>"
_ON_ONE = ", ".join(repr(name) for name in schemas.ACTIONS if name != "delete")


@blueprint.route("")
class Users(MethodView):
    """All users."""

    @requires("users:read")
    @blueprint.arguments(schemas.UserFilter, **schemas.QUERY)
    @blueprint.response(200, schemas.UserList)
    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Find users."""
        with database().read() as session:
            if "name" in asked:
                found = service.by_name(session, asked["name"])
                page = Page(users=[found] if found else [], total=int(bool(found)), number=1, pages=1)
            else:
                page = service.search(session, UserQuery(
                    text=asked["search"], status=asked["status"], sort=asked["sort"], page=asked["page"],
                    descending=asked["descending"], size=asked["page_size"]))
            return {"users": shapes.of_users(session, page.users), "total": page.total, "page": page.number,
                    "pages": page.pages}

    @requires("users:write")
    @blueprint.arguments(schemas.NewUserFields)
    @blueprint.response(201, schemas.UserAnswer)
    def post(self, said: dict[str, Any]) -> dict[str, Any]:
        """Add a user."""
        with database().write() as session:
            made = service.create(session, current_actor(), config().server, NewUser(**_as_tuple(said)))
            return shapes.of_user(session, made)


@blueprint.route(f"/{_USER}")
class OneUser(MethodView):
    """One user."""

    @requires("users:read")
    @blueprint.response(200, schemas.UserAnswer)
    def get(self, user_id: int) -> ResponseReturnValue:
        """Show a user; the ETag is what If-Match takes."""
        with database().read() as session:
            user = service.find(session, user_id)
            return shapes.of_user(session, user), {"ETag": _etag(user)}

    @requires("users:write")
    @blueprint.arguments(schemas.UserChangeFields)
    @blueprint.response(200, schemas.UserAnswer)
    @blueprint.alt_response(412, description="Somebody else has changed the user since If-Match.")
    def patch(self, said: dict[str, Any], user_id: int) -> ResponseReturnValue:
        """Change what is named, and nothing else; with If-Match only if nobody else was faster."""
        with database().write() as session:
            _check_unchanged(service.find_for_change(session, user_id))
            user = service.edit(session, current_actor(), user_id, UserChange(**_as_tuple(said)))
            return shapes.of_user(session, user), {"ETag": _etag(user)}

    @requires("users:write")
    @blueprint.response(204)
    def delete(self, user_id: int) -> None:
        """Remove a user for good, with their secrets."""
        with database().write() as session:
            _check_unchanged(service.find_for_change(session, user_id))
            service.delete(session, current_actor(), user_id)


@blueprint.route(f"/{_USER}/link")
@requires("users:write")  # who has a link may use the server
@blueprint.response(200, schemas.Link)
def link(user_id: int) -> dict[str, str]:
    """Show a user's link."""
    with database().read() as session:
        user = service.find(session, user_id)
        if config().server is None:
            errors.refuse(409, "A server in minimal mode has no clients, and so no links for them.")
        return {"url": subscriptions.url(config(), user)}


@blueprint.route(f"/{_USER}/usage")
@requires("users:read")
@blueprint.response(200, schemas.UsageAnswer(many=True))
def usage(user_id: int) -> list[traffic.ProtocolTraffic]:
    """Show a user's traffic by protocol, of all the time; protocols that were never used are left out."""
    with database().read() as session:
        return traffic.by_protocol(session, service.find(session, user_id).id)


@blueprint.route(f"/{_USER}/<any({_ON_ONE}):action>", methods=["POST"])
@requires("users:write")
@blueprint.response(200, schemas.UserAnswer)
def act(user_id: int, action: str) -> dict[str, Any]:
    """Do one thing to a user."""
    with database().write() as session:
        _check_unchanged(service.find_for_change(session, user_id))
        return shapes.of_user(session, bulk.apply(session, current_actor(), [user_id], schemas.ACTIONS[action])[0])


@blueprint.route("/bulk")
class Several(MethodView):
    """Several users at once."""

    @requires("users:write")
    @blueprint.arguments(schemas.BulkAction)
    @blueprint.response(200, schemas.Done)
    def post(self, said: dict[str, Any]) -> dict[str, int]:
        """Do one thing to several users: to all of them, or to none."""
        with database().write() as session:
            done = bulk.apply(session, current_actor(), said["ids"], schemas.ACTIONS[said["action"]])
            return {"changed": len(done)}

    @requires("users:write")
    @blueprint.arguments(schemas.BulkChange)
    @blueprint.response(200, schemas.Done)
    def patch(self, said: dict[str, Any]) -> dict[str, int]:
        """Make the same change to several users: to all of them, or to none."""
        with database().write() as session:
            change = UserChange(**_as_tuple(said["change"]))
            return {"changed": len(bulk.edit_all(session, current_actor(), said["ids"], change))}


def _as_tuple(said: dict[str, Any]) -> dict[str, Any]:
    closed = said.get("closed_protocols")
    return said if closed is None else said | {"closed_protocols": tuple(closed)}


def _etag(user: User) -> str:
    return f'"{user.revision}"'


def _check_unchanged(user: User) -> None:
    """Refuse a change that was meant for an older state of the user (RFC 9110 section 13.1.1)."""
    if request.if_match and not request.if_match.contains(str(user.revision)):
        errors.refuse(412, f"{user.name} was changed by somebody else meanwhile; look again, and repeat the change.")
