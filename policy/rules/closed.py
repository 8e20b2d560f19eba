"""What no other policy looks at is not let pass: the world of this pack is closed."""

from policy.allowlists import COMPONENTS, TYPES
from policy.making import CRITICAL, NIST, About, Faults, on_each
from policy.resources import Resource


@on_each(About(
    name="resource-disallow-unknown-types",
    description="The server is made of those types of resources that the policies look at, and of no other.",
    remedy="Take it away; a type that the server needs is a new line in policy/allowlists.py, beside the policies that "
           "judge it.",
    severity=CRITICAL, standard=NIST, reference="4.4.5"), "*")
def unknown_types(resource: Resource) -> Faults:
    if resource.kind not in TYPES and not resource.kind.startswith(COMPONENTS):
        yield f"no policy looks at resources of the type {resource.kind}, which may start what it likes"
