import io
import json
import tarfile
from collections.abc import Callable
from contextlib import suppress

import pytest

from ops.backup import archive
from ops.backup.archive import About, Writer
from ops.errors import OperatorError

ABOUT = About(stack="local", made_at="2026-11-30T03:30:00+00:00", domain="example.com", version="v1")
STORE = bytes(range(256)) * 5000


def written(about: About = ABOUT, **files: bytes) -> bytes:
    stream = io.BytesIO()
    writer = Writer(stream, about)
    for name, content in ({archive.STATE: b"{}", archive.STORE: STORE} | files).items():
        writer.add(name, content)
    writer.finish()
    return stream.getvalue()


def test_what_was_written_is_read() -> None:
    found = archive.read(io.BytesIO(written(passphrase=b"short")))
    assert found.about == ABOUT
    assert found.files == {archive.STATE: b"{}", archive.PASSPHRASE: b"short"}
    assert found.store_bytes == len(STORE)


def test_nothing_of_it_shows_in_its_own_words() -> None:
    assert "short" not in repr(archive.read(io.BytesIO(written(passphrase=b"short"))))


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.9, 0.995])
def test_a_backup_that_was_cut_off_is_refused(share: float) -> None:
    whole = written()
    # The zeros at its end are no part of it.
    with pytest.raises(OperatorError, match=r"^the backup is damaged: .+\. Take another one; `ops backup list` shows"):
        archive.read(io.BytesIO(whole[:int((len(whole.rstrip(bytes(1)))) * share)]))


def test_every_flipped_bit_is_found() -> None:
    whole, unnoticed = written(), 0
    for place in range(0, len(whole.rstrip(bytes(1))), 9973):
        changed = bytearray(whole)
        changed[place] ^= 1
        # What fills a block up is read by nobody.
        with suppress(OperatorError):
            assert archive.read(io.BytesIO(bytes(changed))) == archive.read(io.BytesIO(whole))
            unnoticed += 1
    assert unnoticed < 10


def added(tar: tarfile.TarFile) -> None:
    entry = tarfile.TarInfo("files/evil")
    entry.size = 4
    tar.addfile(entry, io.BytesIO(b"evil"))


def linked(tar: tarfile.TarFile) -> None:
    entry = tarfile.TarInfo("files/link")
    entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(entry)


@pytest.mark.parametrize(("change", "fault"), [
    (added, "files/evil in it is not what"), (linked, "'files/link' in it is no file")])
def test_what_was_put_into_it_later_is_found(change: Callable[[tarfile.TarFile], None], fault: str) -> None:
    stream = io.BytesIO(written())
    with tarfile.open(fileobj=stream, mode="a") as tar:
        change(tar)
    with pytest.raises(OperatorError, match=fault):
        archive.read(io.BytesIO(stream.getvalue()))


def test_a_part_that_is_missing_is_named() -> None:
    stream = io.BytesIO()
    writer = Writer(stream, ABOUT)
    writer.add(archive.STORE, STORE)
    writer.finish()
    with pytest.raises(OperatorError, match=r"it has no state\.json"):
        archive.read(io.BytesIO(stream.getvalue()))


def test_the_form_of_another_version_is_refused_with_the_version_that_knows_it() -> None:
    with pytest.raises(OperatorError, match=r"has the form 2, but .* knows 1 only\. Take the version .*\(v9\)"):
        archive.read(io.BytesIO(written(About(stack="a", made_at="", domain="", version="v9", format=2))))


def test_a_stream_that_ends_before_its_size_is_a_fault_of_its_own() -> None:
    writer = Writer(io.BytesIO(), ABOUT)
    with pytest.raises(OSError, match="unexpected end of data"):
        writer.add_stream(archive.STORE, 100, io.BytesIO(b"too short"))


def test_the_sums_are_of_what_the_entries_hold() -> None:
    with tarfile.open(fileobj=io.BytesIO(written())) as tar:
        last = tar.getmembers()[-1]
        content = tar.extractfile(last)
        assert content
        assert json.loads(content.read())[archive.STORE]["bytes"] == len(STORE)
