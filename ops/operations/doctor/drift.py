"""Checks of what stands beside the server or under its names without being its own, and of its images."""

from collections.abc import Iterator

from ...docker import STACK_LABEL
from .findings import Case, Finding, Repair
from .volumes import all_containers, is_probe

_PREFIX = "stealth-"


def strangers(case: Case) -> Iterator[Finding]:
    """Look for containers under our names that are not ours, and ours under other names."""
    names = {f"{_PREFIX}{service}" for service in case.target.services}
    for entry in all_containers(case):
        name = str(entry["Name"]).removeprefix("/")
        stack = (entry["Config"].get("Labels") or {}).get(STACK_LABEL)
        if is_probe(entry):
            yield from _of_probe(case, name, is_fed=bool(entry["State"]["Running"]))
        elif stack == case.target.stack:
            yield from _of_own(name, entry["Config"].get("Hostname", ""), names)
        elif name.startswith(_PREFIX):
            whose = f"the stack {stack}'s" if stack else "not made by this stack"
            yield Finding(check="strangers", name="name-taken", fix=f"docker rm --force {name}",
                          fault=f"The container {name} is {whose}, but has a name of this server's.")


def _of_own(name: str, hostname: str, names: set[str]) -> Iterator[Finding]:
    if name not in names and not name.endswith("-writer"):
        yield Finding(check="strangers", name="container-renamed", fix=f"docker rename {name} {_PREFIX}{hostname}",
                      fault=f"The container {name} is this server's {hostname}, but has another name.",
                      subject=hostname)


def _of_probe(case: Case, name: str, *, is_fed: bool) -> Iterator[Finding]:
    words = ("rm", "--force", name)
    yield Finding(check="strangers", name="probe-left", fix=f"docker {' '.join(words)}",
                  fault=f"The container {name} is of an `ops probe` that {'is at work or ' if is_fed else ''}was ended "
                        "by force; the next one takes it away.",
                  repair=None if is_fed else case.by_docker(f"removes {name}", *words))


def images(case: Case) -> Iterator[Finding]:
    """Look whether each service's image is there under its name."""
    if not case.is_deployed:
        return
    for service in sorted(case.target.services):
        name = f"stealth-vpn/{service}:local"
        if case.engine.has_image(name):
            continue
        held = str(case.entries.get(service, {}).get("Image", ""))
        repair: Repair | None = case.by_docker(f"gives the image of {service} its name back", "tag", held, name) \
            if held and case.engine.has_image(held) else None
        yield Finding(check="images", name="image-missing", subject=service, repair=repair,
                      fix=f"docker tag {held} {name}" if repair else "make build",
                      fault=f"The image {name} is not there: the next deploy builds it anew, which takes minutes.")
