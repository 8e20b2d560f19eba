"""The one error that an operator's configuration can cause."""

import pulumi


class SettingsError(pulumi.RunError):
    """A configured value breaks a rule; Pulumi prints the message without a traceback."""
