"""Why an account cannot be signed in to or changed."""

from flask_babel import gettext as _


class AccountError(Exception):
    """A value breaks a rule; nothing was changed."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        """Name of the argument that is at fault; empty if it is none of them."""

        self.sentence = sentence
        """Subject, fault and fix, for people, in the language of the request."""


class UnknownAccountError(AccountError):
    """There is no such account, session or token, or no more."""

    def __init__(self, what: str) -> None:
        super().__init__("", _("%(what)s does not exist any more; look at the list again.", what=what))


class WrongProofError(AccountError):
    """A password or code is wrong; which of them, and whether the account exists, is not said."""

    def __init__(self) -> None:
        super().__init__("", _("That is not right; look at what you typed, and take no code for a second time."))


class OutdatedProofError(AccountError):
    """What was proven does not hold any more: a credential, the role or the session changed meanwhile."""

    def __init__(self) -> None:
        super().__init__("", _("Your account has changed meanwhile, and nothing else was done; sign in again."))


class ThrottledError(AccountError):
    """Too many attempts were made, or others are being made right now."""

    def __init__(self, wait_seconds: float) -> None:
        self.wait_seconds = max(1, round(wait_seconds))
        """Whole seconds until an attempt is looked at again, at least one."""
        super().__init__("", _("There were too many attempts; wait %(seconds)d seconds and try again.",
                               seconds=self.wait_seconds))
