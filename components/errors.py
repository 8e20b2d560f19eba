"""The one error that an operator's configuration can cause."""

import pulumi


class SettingsError(pulumi.RunError):
    """A configured value breaks a rule; Pulumi prints the message without a traceback."""

    def __init__(self, sentence: str, *, key: str = "", fault: str = "") -> None:
        super().__init__(sentence)
        self.key = key
        """The key whose value it is, where it is that of one key."""

        self.fault = fault or sentence
        """The sentence without the command that mends it, for those who hold the value elsewhere."""
