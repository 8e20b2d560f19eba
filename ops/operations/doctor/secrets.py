"""Looks for rotations whose overlap is past its end, and goes on until somebody ends it."""

from collections.abc import Iterator

from ...rotate import configured
from ...target import settings
from .findings import Case, Finding


def overlaps(case: Case) -> Iterator[Finding]:
    """Yield a finding for each."""
    for name, until in sorted(configured.due(settings(case.target.stack)).items()):
        yield Finding(check="secrets", name="overlap-over", fix=f"ops rotate {name} --finish",
                      fault=f"The overlap of {name} was to end on {until:%Y-%m-%d %H:%M} UTC, and its former value is "
                            "still good; `make up` would end it as well.")
