"""What no other policy looks at is not let pass: the world of this pack is closed."""

from policy.allowlists import COMPONENTS, TYPES
from policy.making import CRITICAL, HIGH, NIST, About, Faults, on_each
from policy.properties import JUDGED, known
from policy.resources import Resource
from policy.view import View


@on_each(About(
    name="resource-disallow-unknown-types",
    description="The server is made of those types of resources that the policies look at, and of no other.",
    remedy="Take it away; a type that the server needs is a new line in policy/allowlists.py, beside the policies that "
           "judge it.",
    severity=CRITICAL, standard=NIST, reference="4.4.5"), "*")
def unknown_types(resource: Resource) -> Faults:
    if resource.kind not in TYPES and not resource.kind.startswith(COMPONENTS):
        yield f"no policy looks at resources of the type {resource.kind}, which may start what it likes"


@on_each(About(
    name="resource-disallow-unknown-properties",
    description="A resource has those properties that the policies look at, and no other.",
    remedy="Take it away; a property that the server needs is a new line in policy/properties.py, beside the rule that "
           "reads it.",
    severity=HIGH, standard=NIST, reference="4.4.3"), *JUDGED)
def unknown_properties(resource: Resource) -> Faults:
    yield from _property_faults(resource.kind, "", resource)


def _property_faults(kind: str, path: str, view: View) -> Faults:
    allowed = known(kind, path)
    for name in view.names():
        place = f"{path}.{name}" if path else name
        if place in JUDGED[kind] and view.knows(name):
            for inner in view.objects(name):
                yield from _property_faults(kind, place, inner)
        # A provider keeps for itself what begins so, such as the names of the values that are its own defaults.
        elif name not in allowed and not name.startswith("__") and view.is_filled(name):
            yield f"{place} is a property that no policy looks at"
