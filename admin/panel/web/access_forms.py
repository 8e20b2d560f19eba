"""Forms of the sign-in and of accounts; only fields that stand here are read from a request."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    Field,
    Form,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
    widgets,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # the stubs are of an older version
from wtforms.validators import InputRequired, Length

from ..accounts import AccountError, Proof
from ..accounts.passwords import MOST_CHARACTERS
from ..accounts.tokens import MOST_DAYS

_LONGEST_CODE = 64
_TOKEN_DAYS = 90


def _password(label: str, completes: str) -> PasswordField:
    return PasswordField(label, [InputRequired(), Length(max=MOST_CHARACTERS)], render_kw={"autocomplete": completes})


def _code(label: str) -> StringField:
    return StringField(label, [InputRequired(), Length(max=_LONGEST_CODE)],
                       render_kw={"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"})


class SignInForm(FlaskForm):  # type: ignore[misc] # flask_wtf has no types
    """The first step."""

    username = StringField(lazy_gettext("User name"), [InputRequired(), Length(max=64)], render_kw={
        "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True})
    password = _password(lazy_gettext("Password"), "current-password")


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The second step."""

    code = _code(lazy_gettext("Code"))


class ProofForm(FlaskForm):  # type: ignore[misc]
    """What every change of a credential asks for once more; `code` only where the account has a second factor."""

    password = _password(lazy_gettext("Your password"), "current-password")
    code = _code(lazy_gettext("Code of your telephone, or one on paper"))

    def proof(self) -> Proof:
        """Return what was typed."""
        return Proof(password=self.password.data or "", code=(self.code.data or "") if "code" in self else "")


class PasswordForm(ProofForm):
    """Another password."""

    new_password = _password(lazy_gettext("New password"), "new-password")
    repeated = _password(lazy_gettext("New password, once more"), "new-password")

    def validate_new_password(self, field: Field) -> None:
        """Refuse the old one."""
        if field.data == self.password.data:
            raise ValidationError(gettext("The new password is the old one; take another."))

    def validate_repeated(self, field: Field) -> None:
        """Refuse a slip of the keyboard."""
        if field.data != self.new_password.data:
            raise ValidationError(gettext("The two new passwords differ; type the same twice."))


class SecondFactorForm(ProofForm):
    """Turns the second factor on; the account has none yet, so the proof asks for no code."""

    first_code = _code(lazy_gettext("Code that the telephone shows now"))


class TokenForm(ProofForm):
    """Another token."""

    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=64)])
    scopes = SelectMultipleField(lazy_gettext("What it may do"), [InputRequired()],
                                 option_widget=widgets.CheckboxInput(), widget=widgets.ListWidget(prefix_label=False))
    days = IntegerField(lazy_gettext("Days until it ends"), [InputRequired()], default=_TOKEN_DAYS,
                        render_kw={"min": 1, "max": MOST_DAYS})


class NewAccountForm(ProofForm):
    """Another account."""

    username = StringField(lazy_gettext("User name"), [InputRequired(), Length(max=64)],
                           render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"})
    role = SelectField(lazy_gettext("Role"), choices=[
        SelectChoice("reader", lazy_gettext("Reader: sees users and the server")),
        SelectChoice("operator", lazy_gettext("Operator: also changes users and sees the audit log")),
        SelectChoice("owner", lazy_gettext("Owner: also changes accounts"))])


class AccountForm(ProofForm):
    """Changes an account."""

    action = RadioField(lazy_gettext("What to do"), choices=[
        SelectChoice("reader", lazy_gettext("Make it a reader")),
        SelectChoice("operator", lazy_gettext("Make it an operator")),
        SelectChoice("owner", lazy_gettext("Make it an owner")),
        SelectChoice("disable", lazy_gettext("Disable it")),
        SelectChoice("enable", lazy_gettext("Enable it")),
        SelectChoice("reset", lazy_gettext("Give it a new password, and remove its second factor and tokens")),
        SelectChoice("delete", lazy_gettext("Delete it"))])


_Result = TypeVar("_Result")


def role_names() -> dict[str, str]:
    """Return what people call each role."""
    return {"reader": gettext("Reader"), "operator": gettext("Operator"), "owner": gettext("Owner")}


def scope_choices(scopes: Iterable[str]) -> list[Any]:
    """Return the boxes of a token's scopes, which are named as the API names them."""
    return [SelectChoice(scope, scope) for scope in scopes]


def attempt(form: Form, act: Callable[[], _Result]) -> _Result | None:
    """Return act's result; its AccountError goes to the field that it names, or to the form, and gives None."""
    try:
        return act()
    except AccountError as error:
        if error.field and error.field in form:
            form[error.field].errors = [*form[error.field].errors, error.sentence]
        else:
            form.form_errors.append(error.sentence)
    return None
