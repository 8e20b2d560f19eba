"""The errors of this package: what an operator can act on."""


class OperatorError(Exception):
    """Its text is one sentence with subject, fault and the command or file that fixes it."""


class InterruptedRun(OperatorError):  # noqa: N818 - what came, as in KeyboardInterrupt
    """The same of what was ended by Ctrl-C or SIGTERM."""
