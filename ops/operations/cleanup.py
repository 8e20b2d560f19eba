"""`ops cleanup`: takes away what earlier builds and broken runs left on the engine, and never a volume.

Ours are known by the title that our images carry, and by the label of our containers. The cache of builds has no owner:
it is the engine's, and goes whole or stays.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..docker import STACK_LABEL, Engine
from ..errors import OperatorError
from ..quantities import Size, shown_size

_TITLE = "org.opencontainers.image.title"
# The builder's image bears no title; this folder is nobody else's.
_BUILDER_FOLDER = "/src/probe"
_ENDED = {"created", "exited", "dead"}


@dataclass(frozen=True, kw_only=True)
class Leftovers:
    """What can go."""

    images: list[str]
    """Ids of former builds that no container was made of."""

    containers: list[str]
    """Names of ended containers of our images that no stack made, and of ours that the engine failed to remove."""

    cache_bytes: int

    def lines(self) -> list[str]:
        """Return what would go, for people."""
        return [f"former images of ours, without a name or a container: {len(self.images)}",
                f"ended containers: {', '.join(self.containers) or 'none'}",
                f"cache of builds, of this whole engine: {shown_size(self.cache_bytes)}"
                f"{'; the next build takes minutes longer without it' if self.cache_bytes else ''}"]

    def __bool__(self) -> bool:
        return bool(self.images or self.containers or self.cache_bytes)


def look(engine: Engine, *, keep_cache: bool) -> Leftovers:
    """Return what can go."""
    images = _inspected(engine, "image", engine.ask("images", "--all", "--quiet", "--no-trunc").stdout.split())
    containers = _inspected(engine, "container", engine.ask("ps", "--all", "--quiet", "--no-trunc").stdout.split())
    ours = {image["Id"] for image in images if _is_ours(image)}
    gone = [item["Name"].removeprefix("/") for item in containers if _is_left(item, ours)]
    used = {item["Image"] for item in containers if item["Name"].removeprefix("/") not in gone}
    old = [image["Id"] for image in images if image["Id"] in ours - used and not image["RepoTags"]]
    return Leftovers(images=old, containers=gone,
                     cache_bytes=0 if keep_cache else sizes(engine)["Build Cache"][1])


def remove(engine: Engine, found: Leftovers, show: Callable[[str], None]) -> int:
    """Remove it, and return how many bytes that freed, by the engine's own count."""
    before = _total(engine)
    for words in [*([["rm", "--force", *found.containers]] if found.containers else []),
                  *(["rmi", image] for image in found.images),
                  *([["builder", "prune", "--all", "--force"]] if found.cache_bytes else [])]:
        done = engine.ask(*words)
        if done.returncode != 0:
            # Somebody may have used it since: that is a reason to leave it, and none to leave the rest.
            show(f"`docker {' '.join(words[:2])}` left something: {' '.join(done.stderr.split())}")
    return max(0, before - _total(engine))


def sizes(engine: Engine) -> dict[str, tuple[int, int]]:
    """Return size and reclaimable part in bytes by kind, as `docker system df` names them."""
    done = engine.ask("system", "df", "--format", "{{json .}}")
    if done.returncode != 0:
        raise OperatorError(f"the engine does not tell what its disk holds: {' '.join(done.stderr.split())}. "
                            "Try again when no build runs.")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["Type"]: (_bytes(row["Size"]), _bytes(row["Reclaimable"].partition(" ")[0])) for row in rows}


def _total(engine: Engine) -> int:
    return sum(size for kind, (size, _) in sizes(engine).items() if kind != "Local Volumes")


def _bytes(text: str) -> int:
    return Size().convert(text, None, None) or 0


def _is_ours(image: dict[str, Any]) -> bool:
    config = image.get("Config") or {}
    title = (config.get("Labels") or {}).get(_TITLE, "")
    return str(title).startswith("stealth-vpn ") or config.get("WorkingDir") == _BUILDER_FOLDER


def _is_left(container: dict[str, Any], ours: set[str]) -> bool:
    state, has_stack = container["State"]["Status"], STACK_LABEL in (container["Config"].get("Labels") or {})
    return state == "dead" if has_stack else state in _ENDED and container["Image"] in ours


def _inspected(engine: Engine, kind: str, ids: list[str]) -> list[dict[str, Any]]:
    if not ids:
        return []
    found: list[dict[str, Any]] = json.loads(engine.ask(kind, "inspect", *dict.fromkeys(ids)).stdout or "[]")
    return found
