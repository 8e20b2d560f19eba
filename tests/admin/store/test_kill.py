import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=[pytest.mark.integration, pytest.mark.long])])
def test_a_killed_panel_loses_nothing_that_it_acknowledged(rounds: int, tmp_path: Path) -> None:
    seed = random.getrandbits(32)
    ran = subprocess.run(
        [sys.executable, "-m", "tests.admin.store.killing", str(seed), str(rounds), str(tmp_path)],
        capture_output=True, text=True, timeout=300, env={**os.environ, "PYTHONPATH": "admin"})
    print(f"seed {seed}: {ran.stdout}")
    assert ran.returncode == 0, f"seed {seed}: {ran.stderr}"
    ends = json.loads(ran.stdout)
    assert ends.pop("acknowledged") > 0
    assert sum(ends.values()) == rounds
    if rounds == 200:
        assert ends["begun and gone"] > 0, "no kill met a write"
