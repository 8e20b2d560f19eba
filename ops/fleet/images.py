"""Brings the images of a fleet, which are built once on the panel's own engine, to the hosts that lack some."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..carrying import carry
from ..docker import Engine
from ..errors import OperatorError
from ..operations import builds
from .hosts import SERVICES, Host
from .reach import Reach

_AT_ONCE = 4


def bring(
    engine: Engine, reach: Reach, planned: Mapping[str, dict[str, Any]], show: Callable[[str], None],
) -> Reach:
    """Build what a deploy would by its preview, and carry it; return the reach without the hosts it did not come to.

    Ahead of the deploy: a container can be made only of an image that its engine has.
    """
    if not reach.there:
        return reach
    builds.build(engine, planned, show)
    ids = [engine.image_id(f"stealth-vpn/{service}:local") for service in SERVICES]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        faults = dict(zip(reach.there, pool.map(lambda host: _fault(engine, host, ids, show), reach.there),
                          strict=True))
    return Reach(there=tuple(host for host, fault in faults.items() if not fault),
                 away=reach.away | {host: fault for host, fault in faults.items() if fault})


def _fault(engine: Engine, host: Host, ids: Sequence[str], show: Callable[[str], None]) -> str:
    try:
        if host.is_set_up and not host.engine.answers():
            return ""  # the deploy brings Docker there, and the images after it
        missing = [image for image in ids if image and not host.engine.has_image(image)]
        if not missing:
            return ""
        show(f"  {len(missing)} images are carried to {host.name} ...")
        fault = carry(engine, host.engine, missing)
    except OperatorError as error:
        return str(error)
    return f"the images did not arrive there: {fault}." if fault else ""
