"""What every test starts from, in this process and in those it starts."""

import os

# `make test` is itself a make. One that a test starts must not take itself for its child: it would say which
# directories it enters and leaves, which nobody who types `make drift` reads.
for _name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(_name, None)
