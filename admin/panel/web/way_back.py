"""Where somebody is led after a sign-in or a choice: to the page that they came from, and never out of the panel."""

import re

from ..context import config

_LONGEST = 1000
# Our own addresses are words, numbers and hashes between single slashes. No percent sign: %2e%2e is a way up too, and
# %252e%252e one for whatever decodes a second time.
_PAGE = r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*"
# RFC 3986 section 3.4.
_QUESTION = r"([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*"
_WANTED = re.compile(rf"({_PAGE})?(\?{_QUESTION})?")


def address(wanted: str) -> str:
    """Return the address of the page that was asked for, from below the panel's path; of the first page if it is none.

    `wanted` comes from whoever has made the link, so it is followed exactly or not at all.
    """
    is_ours = len(wanted) <= _LONGEST and _WANTED.fullmatch(wanted)
    return f"{config().path}/{wanted if is_ours else ''}"
