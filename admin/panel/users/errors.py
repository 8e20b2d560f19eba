"""What an operator can mend."""

from flask_babel import gettext as _


class UserError(Exception):
    """A value breaks a rule; nothing was changed."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field
        """Name of the field, as NewUser and UserChange have it; empty if it is none of them."""

        self.sentence = sentence
        """Subject, fault and fix, for people."""


class UnknownUserError(UserError):
    """There is no such user, or no more."""

    def __init__(self, user_id: int) -> None:
        super().__init__("", _(
            "User %(id)d does not exist any more; look at the list of users.", id=user_id))
