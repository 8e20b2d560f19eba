"""The score, as docs/probe.md defines it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .compare import Difference
from .known import Known, explanation

UDP = "udp/"


@dataclass(frozen=True, kw_only=True)
class Score:
    """What came of all probes."""

    tcp: int
    tcp_differing: int
    udp: int
    udp_undocumented: int
    udp_kinds: int
    """Rows of the table that explained something on UDP."""

    @classmethod
    def of(cls, names: Sequence[str], differences: Sequence[Difference], rows: Sequence[Known]) -> "Score":
        """Count; on TCP every difference counts, on UDP those that the table does not explain."""
        on_udp = [item for item in differences if item.probe.name.startswith(UDP)]
        explained = [explanation(item, rows) for item in on_udp]
        udp = sum(name.startswith(UDP) for name in names)
        return cls(tcp=len(names) - udp, tcp_differing=len(differences) - len(on_udp), udp=udp,
                   udp_undocumented=explained.count(None), udp_kinds=len({row for row in explained if row}))

    @property
    def points(self) -> int:
        """Share of the probes without a difference that counts, in percent, rounded down."""
        return 100 * (self.tcp + self.udp - self.tcp_differing - self.udp_undocumented) // (self.tcp + self.udp or 1)

    def line(self) -> str:
        """Return the last line of a run."""
        return (f"Score: {self.points} of 100 ({self.tcp:,} TCP probes, {self.tcp_differing} differ; "
                f"{self.udp:,} UDP probes, {self.udp_undocumented} differ and "
                f"{self.udp_kinds} kinds of documented differences)")


_TELLS = {
    "connection": "the connection itself goes otherwise", "records": "the handshake has other records",
    "alert": "a bad hello is refused in another way", "hello": "the server prefers other parameters",
    "certificates": "the certificate is another", "protocol": "the handshake ends in another agreement",
    "answer": "the application is no plain Caddy, or another site",
    "answer_records": "the answer is cut into other records",
    "end": "the connection ends in another way", "after": "the server's timeouts are others"}


def tell(field: str) -> str:
    """Say what a censor learns when a field differs."""
    return _TELLS[field]


def as_json(difference: Difference, rows: Sequence[Known]) -> dict[str, Any]:
    """Return a difference for pipelines."""
    row = explanation(difference, rows)
    return {"probe": difference.probe.name, "known": row.reason if row else None, "fields": {
        field: {"ours": getattr(difference.ours, field), "plain": getattr(difference.plain, field),
            "tells": tell(field)}
        for field in difference.fields}}
