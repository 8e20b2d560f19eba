"""A pinned set: what one stack runs and was found well with, in a file that people review and git keeps.

Nothing in it is secret. Its form is sorted JSON, so that a review shows just what is another one than last time.
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ..errors import OperatorError
from ..target import ROOT, Target
from . import shared

FORMAT = 1
BUILDER = "builder"
FOLDER = "promotions"
_ID = re.compile(r"sha256:[0-9a-f]{64}")
_SHOWN_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class Image:
    """One image of the set."""

    id: str
    """As the engine tells it, `sha256:` and the hash of the image's content; it outlives `docker save` and `load`."""

    source: str
    """Hash over the files it was built of, by the provider (`contextDigest`)."""

    versions: tuple[str, ...]
    """What was asked for by name among its modules or packages, with the locked versions; for people."""


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What runs on one stack."""

    stack: str
    commit: str
    """That was deployed there."""

    program: str
    """Hash of the program in it (`Checkout.program`)."""

    platform: str
    """Such as linux/amd64."""

    images: dict[str, Image]
    """By service; the builder is among them, because the state names it."""

    configuration: dict[str, Any]
    """Every value that is no host's own (shared.py)."""

    verified: dict[str, str]
    """When it was looked at, and what health checks, promises and probes said."""

    def images_for(self, target: Target) -> dict[str, Image]:
        """Return the images that a target's engine must have: the builder's only where it builds itself."""
        return {service: image for service, image in self.images.items()
                if service != BUILDER or not target.is_built_elsewhere}

    @classmethod
    def read(cls, stack: str, root: Path = ROOT) -> Self:
        """Read a stack's file; raises OperatorError if there is none, or it is damaged."""
        file = root / name_of(stack)
        if not file.exists():
            raise OperatorError(f"{name_of(stack)} is not there, so nobody has said what may leave {stack}. "
                                f"Write it with `ops pin {stack}`, and have it reviewed.")
        return cls.parse(file.read_text())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `document` wrote; raises OperatorError if it is something else."""
        try:
            given = json.loads(text)
            if given.pop("format") != FORMAT or given.pop("configurationSha256") != shared.sha256(
                    given["configuration"]):
                raise ValueError("another form, or a configuration that was changed by hand")
            given["images"] = {name: Image(**{**image, "versions": tuple(image["versions"])})
                               for name, image in given["images"].items()}
            if not all(_ID.fullmatch(image.id) for image in given["images"].values()):
                raise ValueError("an image without an id")
            return cls(**given)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise OperatorError(f"the pinned set is no such file ({error}). Write it anew with `ops pin STACK`, and "
                                "change nothing in it by hand.") from error

    def document(self) -> str:
        """Return it as it is kept."""
        return json.dumps({"format": FORMAT, **asdict(self), "configurationSha256": shared.sha256(self.configuration)},
                          indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def name_of(stack: str) -> str:
    """Return the name of a stack's file in the checkout."""
    return f"{FOLDER}/{stack}.json"


def short(identity: str) -> str:
    """Return as much of an image's id as people compare."""
    return identity.removeprefix("sha256:")[:_SHOWN_DIGITS] or "none"
