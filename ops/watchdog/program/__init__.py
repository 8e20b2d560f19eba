"""Restarts a stack's containers that hang: Docker starts what has ended, and leaves what is unhealthy as it is.

With a folder it also writes what the containers say into files there, by day (decision 0032).

Runs by itself on the engine's machine, as root; `ops watchdog install` copies this package there, so it needs nothing
but Python 3.11, imports nothing of the project, and of the standard library only what keeps it small. It asks the
engine for nothing that changes a container. To restart one it ends its first process, and Docker's restart policy does
the rest: what an operator stopped has none (decisions 0026 and 0031).

    python3 -S -m PACKAGE STACK ENGINE_SOCKET STATE_FILE OFF_FILE [LOG_FOLDER DAYS FILE_BYTES FILES_PER_DAY]

While there is an OFF_FILE it restarts nothing.
"""
