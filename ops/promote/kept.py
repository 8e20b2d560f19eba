"""What a plain deploy made of a promotion: it builds what changed in the sources, and an operator must know that."""

from ..update.journal import Journal
from . import placing
from .pin import Pin


def sentence(stack: str, export: str) -> str:
    """Say whether a stack still has the images of its last promotion, by its state; empty if its last update was none.

    Known on the machine that the promotion was made from.
    """
    last = Journal.last(stack)
    if last is None or not last.promotion:
        return ""
    pin, present = Pin.parse(last.promotion), placing.ids(export)
    others = sorted(name for name, image in pin.images.items() if present.get(name) != image.id)
    if not others:
        return f"The images are the {len(pin.images)} that {pin.stack} was pinned with; none was built."
    return (f"{', '.join(others)}: built of the sources here, and no more the images that {pin.stack} was pinned with. "
            f"`ops rollback` undoes the promotion as a whole; `ops promote {pin.stack} {stack}` brings a set back.")
