"""Which counters cannot be: a fault of one engine must neither stop the counting of all nor use up somebody's quota."""

from .agent import Counters

MOST_BYTES_AT_ONCE = 2**50
"""What one user may have sent or got by one protocol since the last look: 10 Gbit/s for ten days."""

# What the store's columns hold, with room for sums.
_MOST_BYTES = 2**62
_MOST_CONNECTIONS = 2**31
# Some day in the year 2242; what lies beyond the year 9999 is no time that Python knows.
_LATEST_SECONDS = 2**33


def is_possible(counters: Counters) -> bool:
    """Return whether an engine could ever have counted this."""
    return (0 <= counters.up < _MOST_BYTES and 0 <= counters.down < _MOST_BYTES
            and 0 <= counters.open < _MOST_CONNECTIONS and 0 <= counters.seen < _LATEST_SECONDS)


def is_plausible(up: int, down: int) -> bool:
    """Return whether one user can have sent and got so many bytes since the last look."""
    return max(up, down) <= MOST_BYTES_AT_ONCE
