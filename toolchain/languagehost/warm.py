# Imports what the program will import, then waits for one line: what to run, where and with which environment.
import contextlib
import importlib
import json
import os
import runpy
import sys

for name in sys.argv[1:]:
    # Whoever really needs the package tells of its absence better.
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
line = sys.stdin.readline()
if not line:
    sys.exit(0)  # the host has ended without running anything
order = json.loads(line)
os.environ.clear()
os.environ.update(pair.split("=", 1) for pair in order["environment"])
os.chdir(order["folder"] or ".")
# As `python -u FILE ...` would set them; the first argument is -u.
sys.argv = order["arguments"][1:]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
