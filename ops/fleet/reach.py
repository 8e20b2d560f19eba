"""Which further hosts answer: those that do not are left out of a run, and told of at its end."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ..errors import OperatorError
from ..preflight import check_version, lets_in
from .hosts import Host, exclusions

_ASKED_AT_ONCE = 20


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What was found."""

    there: tuple[Host, ...] = ()
    away: dict[Host, str] = field(default_factory=dict)
    """Why each of the others does not answer."""

    def exclusions(self) -> list[str]:
        """Return Pulumi's words that leave out what stands on the hosts that are away."""
        return exclusions(self.away)

    def tell(self, show: Callable[[str], None]) -> None:
        """Say which hosts are left out, and why."""
        for host, reason in self.away.items():
            show(f"Host {host.name} is left out: {reason}")


def refuse_left_out(names: Iterable[str]) -> None:
    """Raise OperatorError if there is any host that a run left out."""
    if listed := ", ".join(sorted(names)):
        raise OperatorError(
            f"all was done but on {listed}, which was left out (above it says why). Mend that and run the same command "
            "again, or take a host that is lost out with `ops hosts remove` or `ops hosts replace`.")


def ask(hosts: Sequence[Host], *, deploys: bool = False) -> Reach:
    """Ask each engine, all at the same time; a deploy may bring one to a host that has none yet."""
    if not hosts:
        return Reach()
    with ThreadPoolExecutor(min(len(hosts), _ASKED_AT_ONCE)) as pool:
        faults = dict(zip(hosts, pool.map(lambda host: _fault(host, deploys=deploys), hosts), strict=True))
    return Reach(there=tuple(host for host, fault in faults.items() if not fault),
                 away={host: fault for host, fault in faults.items() if fault})


def _fault(host: Host, *, deploys: bool) -> str:
    try:
        check_version(host.engine.version())
    except OperatorError as error:
        return "" if deploys and host.is_set_up and lets_in(host.engine) else str(error)
    return ""
