"""The one error of this package: what an operator can act on."""


class OperatorError(Exception):
    """Its text is one sentence with subject, fault and the command or file that fixes it."""
