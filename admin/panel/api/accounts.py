"""Accounts by the API, and their tokens.

No token has the scope for it, so that a stolen one makes nobody an owner. Here come owners with their sessions, who
prove each change, and `ops` on the server, which need not.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from flask.views import MethodView
from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from ..accounts import Proof, current_account, current_actor, current_identity, here, own, people, requires, tokens
from ..context import config, database
from ..store.accounts import Account, Token
from ..store.models import LAST_ID
from . import account_schemas as schemas
from . import errors

blueprint = Blueprint("api_accounts", __name__, url_prefix="/accounts", description="Who signs in to the panel.")
errors.handle(blueprint)
_ACCOUNT = f"/<int(min=1, max={LAST_ID}):account_id>"
_Result = TypeVar("_Result")


@blueprint.route("")
class Accounts(MethodView):
    """All accounts."""

    @requires("accounts:write")
    @blueprint.response(200, schemas.AccountAnswer(many=True))
    def get(self) -> list[Account]:
        """List the accounts by name."""
        with database().read() as session:
            return people.all_accounts(session)

    @requires("accounts:write")
    @blueprint.arguments(schemas.NewAccount)
    @blueprint.response(201, schemas.Given)
    def post(self, said: dict[str, Any]) -> dict[str, Any]:
        """Add an account; its password is shown this once."""
        account, password = _change(said, lambda session: people.create(
            session, current_actor(), config().password_pepper, said["username"], said["role"]))
        return {"account": account, "password": password}


@blueprint.route(_ACCOUNT)
class OneAccount(MethodView):
    """One account."""

    @requires("accounts:write")
    @blueprint.response(200, schemas.AccountAnswer)
    def get(self, account_id: int) -> Account:
        """Show an account."""
        with database().read() as session:
            return own.find(session, account_id)

    @requires("accounts:write")
    @blueprint.arguments(schemas.AccountChange)
    @blueprint.response(200, schemas.AccountAnswer)
    def patch(self, said: dict[str, Any], account_id: int) -> Account:
        """Change what is named; the last owner stays one."""
        def act(session: Session) -> Account:
            if "role" in said:
                people.change_role(session, current_actor(), account_id, said["role"])
            if "is_disabled" in said:
                people.switch(session, current_actor(), account_id, not said["is_disabled"])
            return own.find(session, account_id)
        return _change(said, act)

    @requires("accounts:write")
    @blueprint.arguments(schemas.Proven, required=False)
    @blueprint.response(204)
    def delete(self, said: dict[str, Any], account_id: int) -> None:
        """Remove an account with its sessions and tokens; the last owner stays."""
        _change(said, lambda session: people.delete(session, current_actor(), account_id))


@blueprint.route(f"{_ACCOUNT}/reset", methods=["POST"])
@requires("accounts:write")
@blueprint.arguments(schemas.Proven, required=False)
@blueprint.response(200, schemas.Given)
def reset(said: dict[str, Any], account_id: int) -> dict[str, Any]:
    """Give a new password, shown this once, and end sessions, tokens and the second factor."""
    def act(session: Session) -> dict[str, Any]:
        password = people.reset(session, current_actor(), config().password_pepper, account_id)
        return {"account": own.find(session, account_id), "password": password}
    return _change(said, act)


@blueprint.route(f"{_ACCOUNT}/tokens")
class Tokens(MethodView):
    """An account's tokens."""

    @requires("accounts:write")
    @blueprint.response(200, schemas.TokenAnswer(many=True))
    def get(self, account_id: int) -> list[Token]:
        """List an account's tokens, the newest first."""
        with database().read() as session:
            return tokens.of_account(session, own.find(session, account_id).id)

    @requires("accounts:write")
    @blueprint.arguments(schemas.NewToken)
    @blueprint.response(201, schemas.MadeToken)
    def post(self, said: dict[str, Any], account_id: int) -> dict[str, Any]:
        """Make a token of some of the account's scopes; it is shown this once."""
        account = current_account()
        if account is not None and account.id != account_id:
            # The audit log would name its owner for what somebody else does with it.
            errors.refuse(403, "The token would be somebody else's; let them make it at \"Your account\".")

        def act(session: Session) -> dict[str, Any]:
            made = tokens.create(
                session, current_actor(), account_id, said["name"], said["scopes"], said["days"])
            return vars(tokens.of_account(session, account_id)[0]) | {"token": made}
        return _change(said, act)


@blueprint.route(f"{_ACCOUNT}/tokens/<int(min=1, max={LAST_ID}):token_id>", methods=["DELETE"])
@requires("accounts:write")
@blueprint.response(204)
def revoke(account_id: int, token_id: int) -> None:
    """Remove a token; that takes rights away only, and so asks for no proof."""
    with database().write() as session:
        tokens.delete(session, current_actor(), account_id, token_id)


def _change(said: dict[str, Any], act: Callable[[Session], _Result]) -> _Result:
    who = current_identity()
    assert who is not None  # noqa: S101 # the guard lets no stranger in here
    proof = Proof(**said["proof"]) if said["proof"] else None
    return here().credentials.change(who, proof, act)
