"""Fetches a published file and checks it against the vendor's published list of sums.

Usage: fetch.py FILE_URL SUMS_URL DESTINATION. Nothing gets the name DESTINATION before its SHA-256 was found in the
list. Ends with 1 and one sentence, which names no host, when that cannot be had.
"""

import hashlib
import http.client
import os
import signal
import sys
import urllib.request
from pathlib import Path

ANSWER_SECONDS = 10  # for the name, the connection and the first answer together
TOTAL_SECONDS = 900
CHUNK = 1 << 20


class FetchError(Exception):
    """A sentence for the operator, without a full stop."""


def _late(*_: object) -> None:
    raise TimeoutError


def _open(url: str) -> http.client.HTTPResponse:
    """Blocked networks often drop packets silently, so the wait for a first answer is short."""
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(ANSWER_SECONDS)
    try:
        # The address is the toolchain's own or the operator's mirror of it.
        answer: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=5)  # noqa: S310
    except (OSError, http.client.HTTPException) as error:
        raise FetchError("the vendor's download server cannot be reached") from error
    finally:
        signal.alarm(0)
    return answer


def published_sum(sums: str, name: str) -> str:
    """Lists have one line for each file: its sum, spaces, its name."""
    for line in sums.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].lstrip("*") == name:
            return words[0].lower()
    raise FetchError("the vendor's list of checksums does not name the file")


def fetch(file_url: str, sums_url: str, destination: Path) -> None:
    """Leaves the checked file at `destination`; a part of it is never there."""
    partial = destination.with_name(destination.name + ".part")
    try:
        with _open(sums_url) as answer:
            expected = published_sum(answer.read(CHUNK).decode("ascii", "replace"), file_url.rsplit("/", 1)[-1])
        found = hashlib.sha256()
        with _open(file_url) as answer, partial.open("wb") as file:
            signal.alarm(TOTAL_SECONDS)
            while chunk := answer.read(CHUNK):
                found.update(chunk)
                file.write(chunk)
            signal.alarm(0)
    except (OSError, http.client.HTTPException) as error:
        partial.unlink(missing_ok=True)
        raise FetchError("the vendor's download broke off") from error
    if found.hexdigest() != expected:
        partial.unlink()
        raise FetchError("the vendor's file does not match its published checksum")
    os.replace(partial, destination)


if __name__ == "__main__":
    try:
        fetch(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    except FetchError as error:
        sys.exit(str(error))
