"""Takes secrets out of what a pipeline prints: its log, its texts and comments are read by more people than a server.

Pulumi hides what it knows as secret; the commands themselves show an operator the panel's address and the first user's
link, which open something. Both are looked for by their values, and addresses lose their paths besides, for a deploy
may make a value that nobody knew when it began.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from ..rotate import configured as rotations
from ..stack import Stack
from ..target import settings
from ..verify.known import LEAST_LENGTH, secrets_of
from ..verify.state import State

_PLACEHOLDER = "[hidden]"
_STACK = "pulumi:pulumi:Stack"
# A path of one of our names; the host alone, with or without its slash, tells nothing that DNS does not.
_PATH = re.compile(r"(https?://[^/\s\"'`]+/)[^\s\"'`)]+")


@dataclass(frozen=True)
class Hidden:
    """Texts that must not be shown, the longest first."""

    values: tuple[str, ...]

    @classmethod
    def of(cls, stack: Stack) -> Self:
        """Return those of a stack, by its state."""
        state = State.parse(stack.export())
        known = secrets_of(state, stack.passphrase(), rotations.read(settings(stack.name)))
        outputs = (text for item in state.of(_STACK) for text in item.secrets)
        return cls.among((*known.values(), *outputs))

    @classmethod
    def among(cls, values: Iterable[str]) -> Self:
        """Return these, each as JSON writes it too, without those that stand in any text by chance."""
        long = {value.strip() for value in values if len(value.strip()) >= LEAST_LENGTH}
        spelled = long | {json.dumps(value)[1:-1] for value in long}
        # The part of a longer one must not be replaced first: its rest would stay.
        return cls(tuple(sorted(spelled, key=lambda value: (-len(value), value))))

    def without(self, text: str) -> str:
        """Return a text with a placeholder for each of them, and for the path of each address."""
        for value in self.values:
            text = text.replace(value, _PLACEHOLDER)
        return _PATH.sub(rf"\g<1>{_PLACEHOLDER}", text)
