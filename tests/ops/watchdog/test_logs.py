"""Logs on the host: what is written, how it goes on after a break, and what is removed."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.watchdog.program.engine import Engine
from ops.watchdog.program.files import LogFile, Rules
from ops.watchdog.program.logs import Collector
from tests.ops.watchdog.fakes import FakeEngine, serving

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def line(text: str, moment: datetime = NOON, nanos: str = "000000001") -> bytes:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos}Z {text}\n".encode()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "xray").iterdir())


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    return Rules(folder=str(tmp_path), days=2, file_bytes=1000, files_per_day=3)


def test_a_file_is_for_its_group_to_read_and_nobody_else(rules: Rules, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        LogFile(rules, "xray").write(line("begins"), NOON.timestamp())
    finally:
        os.umask(before)
    assert (tmp_path / "xray").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "xray" / "xray.log").stat().st_mode & 0o777 == 0o640


def test_what_a_terminal_would_obey_is_not_written(rules: Rules, tmp_path: Path) -> None:
    LogFile(rules, "xray").write(line("a\x1b[2Jb\tü\r"), NOON.timestamp())
    assert (tmp_path / "xray" / "xray.log").read_text().endswith(" a?[2Jb\tü?\n")


def test_each_day_has_a_file_and_those_that_are_too_old_are_removed(rules: Rules, tmp_path: Path) -> None:
    file = LogFile(rules, "xray")
    for day in range(5):
        file.write(line(f"day {day}"), (NOON + timedelta(days=day)).timestamp())
    assert names(tmp_path) == ["xray.log", "xray.log.2026-12-02.000001", "xray.log.2026-12-03.000001"]
    assert (tmp_path / "xray" / "xray.log.2026-12-03.000001").read_bytes() == line("day 3")
    file.tidy((NOON + timedelta(days=9)).timestamp())
    assert names(tmp_path) == ["xray.log"], "also when nothing is said"
    assert (tmp_path / "xray" / "xray.log").read_bytes() == b""


def test_a_file_that_was_left_by_an_earlier_run_keeps_its_own_day(rules: Rules, tmp_path: Path) -> None:
    LogFile(rules, "xray").write(line("before"), NOON.timestamp())
    os.utime(tmp_path / "xray" / "xray.log", (NOON.timestamp(), NOON.timestamp()))
    LogFile(rules, "xray").write(line("after"), (NOON + timedelta(days=1)).timestamp())
    assert (tmp_path / "xray" / "xray.log.2026-11-30.000001").read_bytes() == line("before")
    assert (tmp_path / "xray" / "xray.log").read_bytes() == line("after")


def test_a_flood_takes_no_more_than_its_files_of_a_day(rules: Rules, tmp_path: Path) -> None:
    file = LogFile(rules, "xray")
    for number in range(100):
        file.write(line(f"{number:060}"), NOON.timestamp())
    assert len(names(tmp_path)) == 1 + rules.files_per_day
    assert all((tmp_path / "xray" / name).stat().st_size <= rules.file_bytes for name in names(tmp_path))
    assert (tmp_path / "xray" / "xray.log").read_bytes().splitlines()[-1].endswith(b"99")


def test_a_link_in_the_place_of_a_file_is_not_followed(rules: Rules, tmp_path: Path) -> None:
    (tmp_path / "xray").mkdir()
    (tmp_path / "xray" / "xray.log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        LogFile(rules, "xray")
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with serving(tmp_path / "socket") as made:
        yield made


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


def collector(engine: FakeEngine, logs: Path) -> Collector:
    return Collector(Engine(str(engine.path), "local"),
                     Rules(folder=str(logs), days=3650, file_bytes=1 << 20, files_per_day=3))


def test_what_is_said_is_in_the_file_once_also_after_a_break_and_a_new_container(
    engine: FakeEngine, logs: Path,
) -> None:
    engine.said["xray"] = [line("one"), line("two", nanos="000000002")]
    collector(engine, logs).turn(0.2)
    assert (logs / "xray" / "xray.log").read_bytes() == line("one") + line("two", nanos="000000002")
    assert int(engine.asked_since[0]) < NOON.timestamp()
    # Another run: the engine gives the last line out once more, and what came meanwhile.
    engine.said["xray"].append(line("three", nanos="000000003"))
    again = collector(engine, logs)
    again.turn(0.2)
    assert engine.asked_since[-1] == f"{NOON.timestamp():.0f}.000000002"
    # The stream ends with the container, and the next one is followed at the next turn.
    engine.said["xray"] = [line("four", nanos="000000004")]
    again.turn(0.2)
    assert [text.split()[1] for text in (logs / "xray" / "xray.log").read_text().splitlines()] == [
        "one", "two", "three", "four"]
    assert again.fault == ""


def test_two_streams_that_come_out_of_order_are_not_written_twice_after_a_break(
    engine: FakeEngine, logs: Path,
) -> None:
    engine.said["xray"] = [line("said second", nanos="000000002"), line("said first")]
    collector(engine, logs).turn(0.2)
    collector(engine, logs).turn(0.2)
    assert (logs / "xray" / "xray.log").read_bytes() == b"".join(engine.said["xray"])


def test_what_cannot_be_written_is_told_and_written_later(engine: FakeEngine, logs: Path) -> None:
    engine.said["xray"] = [line("one")]
    made = collector(engine, logs)
    (logs / "xray").write_text("in the way")
    made.turn(0.05)
    assert made.fault.startswith(f"no logs are written to {logs}: ")
    (logs / "xray").unlink()
    made.turn(0.2)
    assert made.fault == ""
    assert (logs / "xray" / "xray.log").read_bytes() == line("one")


def test_a_frame_that_comes_in_parts_is_put_together(engine: FakeEngine, logs: Path) -> None:
    engine.said["xray"], engine.is_slow = [line("one " * 50)], True
    collector(engine, logs).turn(0.5)
    assert (logs / "xray" / "xray.log").read_bytes() == line("one " * 50)
