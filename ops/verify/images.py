"""The images: each is there with the very id that the deploy wrote down."""

from collections.abc import Iterator

from .checks import Check, judged
from .inspect import Observed
from .promises import Promises

_MEND = "Run `make up`, which builds it again."


def checks(promises: Promises, observed: Observed) -> Iterator[Check]:
    """Compare the images' ids with the state."""
    found = {str(entry["Id"]): set(entry.get("RepoTags") or []) for entry in observed.images}
    wanted = {f"stealth-vpn/{service.removeprefix('stealth-')}:local" for service in promises.services}
    for name in sorted(wanted | set(promises.images)):
        yield judged(name, "is the image that the deploy built (CIS 4.5)",
                     _faults(name, promises.images.get(name), found), _MEND)


def _faults(name: str, identity: str | None, found: dict[str, set[str]]) -> Iterator[str]:
    if identity is None:
        yield "the state knows none"
    elif identity not in found:
        yield "the engine does not have it"
    elif name not in found[identity]:
        yield "its name leads to another image"
