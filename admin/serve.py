"""Serves the panel: `python serve.py [FILE]`, where FILE is /etc/stealth/panel.json unless another is named.

Ends with 0 on SIGTERM, with 1 if the server ended by itself, and with 2 and one sentence when the
configuration or the store is at fault.
"""

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from waitress.server import BaseWSGIServer

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}
# How long a request under way may take to end, in seconds.
_GRACE_SECONDS = 1
_log = logging.getLogger("panel")


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM; return the exit code."""
    # Blocked and waited for, not handled: a handler's exception is lost when it strikes in a callback of the
    # imports, and the first process of a container ignores a signal that is neither handled nor blocked.
    # So before all else, and before the imports, which are most of the start.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    from panel import create_app, logs, open_store
    from panel.config import CONFIG_FILE, ConfigError, PanelConfig
    from panel.listener import listen
    from panel.store.database import StoreError

    try:
        config = PanelConfig.load(Path(arguments[0]) if arguments else CONFIG_FILE)
        logs.start(config)
        app = create_app(config, open_store(config))
        server = listen(app, config)
    except (ConfigError, StoreError) as fault:
        print(fault, file=sys.stderr)
        return 2
    _log.info("The panel listens on port %d.", config.port)
    background = app.extensions["background"]
    for work in background:
        work.start()
    try:
        return serve_until_told(server)
    finally:
        for work in background:
            work.stop()


def serve_until_told(server: "BaseWSGIServer") -> int:
    """Serve until a stop signal, which must be blocked; return the exit code."""
    loop = threading.Thread(target=server.run, name="server", daemon=True)
    loop.start()
    while loop.is_alive():
        if signal.sigtimedwait(STOP_SIGNALS, 1):
            # The loop runs on meanwhile and sends what the requests under way answer.
            server.task_dispatcher.shutdown(timeout=_GRACE_SECONDS)
            _log.info("The panel has stopped.")
            return 0
    _log.error("The server ended by itself; the lines above say why.")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
