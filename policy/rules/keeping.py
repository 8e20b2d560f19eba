"""What must be found again: by its labels, and after a destroy."""

import re

from policy.allowlists import FILLED_VOLUMES, OWNER_LABELS
from policy.making import ADVISORY, HIGH, LOW, About, Faults, on_each
from policy.resources import CONTAINER, NETWORK, VOLUME, Resource

_SITE_VOLUME = re.compile(r"stealth-site-[0-9a-f]{12}")


@on_each(About(
    name="docker-resource-label-owner",
    description="A container, network or volume says which project, stack and component it belongs to.",
    remedy="Give it the labels of components/labels.py, by which a killed run's remains are found.",
    severity=LOW, level=ADVISORY, reference="6.2"), CONTAINER, NETWORK, VOLUME)
def owner_labels(resource: Resource) -> Faults:
    given = {label.text("label") for label in resource.views("labels")}
    for missing in (label for label in OWNER_LABELS if label not in given):
        yield f"it has no label {missing}"


@on_each(About(
    name="docker-volume-protect",
    description="No destroy takes a volume that holds what cannot be made again.",
    remedy="Set protect; only volumes that each deploy fills anew go without.",
    severity=HIGH), VOLUME)
def protected_volume(volume: Resource) -> Faults:
    name = volume.text("name") if volume.knows("name") else ""
    is_filled = name in FILLED_VOLUMES or _SITE_VOLUME.fullmatch(name)
    if not volume.is_protected and not is_filled:
        yield "a destroy takes it away with all that is in it"
