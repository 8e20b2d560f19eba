import io
import tarfile
from pathlib import Path
from typing import IO

import pytest

from ops.backup.volumes import Volumes, store_tar
from ops.errors import OperatorError
from tests.ops.backup import fakes

RECORD = """
import json
fed = len(sys.stdin.buffer.read()) if words[0] in ("import", "cp") else 0
print(json.dumps([*words, fed]), file=open({said!r}, "a"))
if words[0] == "volume" and words[1] == "ls": print("stealth-admin-data\\nof-the-operator")
"""


def write(stream: IO[bytes]) -> None:
    stream.write(bytes(200_000))


def said(tmp_path: Path) -> str:
    return (tmp_path / "said").read_text()


def test_the_volumes_are_filled_by_a_container_that_never_starts_and_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = fakes.docker(tmp_path, monkeypatch, RECORD.format(said=str(tmp_path / "said")))
    volumes = Volumes(engine, "local")
    labels = {"stealth-admin-data": {"a": "b"}, "stealth-caddy-data": {}}
    volumes.remove(labels)
    volumes.make(labels)
    volumes.fill(b"certificates", write)
    lines = [line[1:-1].replace('"', "") for line in said(tmp_path).splitlines()]
    assert lines[1] == "volume, rm, stealth-admin-data, 0"
    assert lines[2] == "volume, create, --label, a=b, stealth-admin-data, 0"
    assert lines[5].startswith("create, --name, stealth-restore, --network, none")
    assert [line.rpartition(" ")[2] for line in lines if line.startswith("cp")] == ["12", "200000"]
    assert [line.split(",")[0] for line in lines[-2:]] == ["rm", "rmi"]
    assert not any(line.startswith(("start", "run")) for line in lines)


def test_what_docker_says_when_it_cannot_is_told_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = fakes.docker(tmp_path, monkeypatch, f"""
print(words, file=open({str(tmp_path / "said")!r}, "a"))
if words[0] == "cp": sys.exit("no space left on device")
if words[0] == "import": sys.stdin.buffer.read()""")
    with pytest.raises(OperatorError, match=r"`docker cp` failed: no space left on device\. Mend that"):
        Volumes(engine, "local").fill(bytes(1 << 20), write)
    assert "'rm', '--force', 'stealth-restore'" in said(tmp_path)


def test_the_store_goes_into_the_panel_s_folder_for_the_panel_alone() -> None:
    stream = io.BytesIO()
    store_tar(stream, "restored.db", 5, io.BytesIO(b"store"))
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as tar:
        found = [(entry.name, oct(entry.mode), entry.uid, entry.gid) for entry in tar]
    assert found == [("var/lib/admin", "0o700", 10006, 10006), ("var/lib/admin/restored.db", "0o600", 10006, 10006)]
