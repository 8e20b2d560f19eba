"""What the API takes and gives of accounts and their tokens."""

from marshmallow import Schema, fields, validate

from ..accounts.access import ROLES, TOKEN_SCOPES
from ..accounts.passwords import MOST_CHARACTERS
from ..accounts.tokens import MOST_DAYS
from .schemas import Strict

_ROLE = validate.OneOf(list(ROLES))
_USERNAME = {"description": (
    "1 to 64 English letters, digits, _, . and - with a letter in front; neither `ops` nor `panel`.")}


class Proof(Strict):
    """What somebody who is signed in shows once more."""

    password = fields.String(required=True, load_only=True, validate=validate.Length(max=MOST_CHARACTERS))
    code = fields.String(load_default="", load_only=True, validate=validate.Length(max=64), metadata={
        "description": "Where the account has a second factor: of the telephone, or one on paper."})


class Proven(Strict):
    """Asked for by every change of a credential."""

    proof = fields.Nested(Proof, load_default=None, allow_none=True, metadata={
        "description": "Of who makes the request with a session; `ops` needs none."})


class NewAccount(Proven):
    """An account to be."""

    username = fields.String(required=True, metadata=_USERNAME)
    role = fields.String(required=True, validate=_ROLE)


class AccountChange(Proven):
    """What may be changed of an account."""

    role = fields.String(validate=_ROLE)
    is_disabled = fields.Boolean(metadata={"description": "True ends the account's sessions and tokens, too."})


class AccountAnswer(Schema):
    """An account, without secrets."""

    id = fields.Integer()
    username = fields.String()
    role = fields.String(validate=_ROLE)
    is_disabled = fields.Boolean()
    has_second_factor = fields.Function(lambda account: account.totp_secret is not None, metadata={"type": "boolean"})
    must_change_password = fields.Boolean()
    password_expires_at = fields.AwareDateTime(allow_none=True, metadata={
        "description": "End of a given password that was never used."})
    created_at = fields.AwareDateTime()
    signed_in_at = fields.AwareDateTime(allow_none=True)


class Given(Schema):
    """An account with a password that serves for choosing another one; it is shown this once."""

    account = fields.Nested(AccountAnswer)
    password = fields.String()


class NewToken(Proven):
    """A token to be."""

    name = fields.String(required=True, metadata={"description": "1 to 64 characters, for people."})
    scopes = fields.List(fields.String(validate=validate.OneOf(sorted(TOKEN_SCOPES))), required=True)
    days = fields.Integer(load_default=90, strict=True, validate=validate.Range(1, MOST_DAYS))


class TokenAnswer(Schema):
    """A token, without what it consists of."""

    id = fields.Integer()
    name = fields.String()
    scopes = fields.List(fields.String())
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    used_at = fields.AwareDateTime(allow_none=True, metadata={"description": "To the minute."})


class MadeToken(TokenAnswer):
    """A token that was made just now; it is shown this once."""

    token = fields.String()
