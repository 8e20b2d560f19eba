"""How large requests may be; the web server in front is told the same numbers (components/configs/caddy.py)."""

BODY_BYTES = 128 * 1024
"""Of every request but a file of users: a change of as many users as may be changed at once has some 60 KiB."""

IMPORT_BYTES = 20 * 1024 * 1024
"""Of a request with a file of users."""

MOST_IMPORTED = 20_000
"""Users in one file: both databases take some tens of thousands of values in one question."""

IMPORT_PATHS = ("/users/import", "/api/v1/import")
"""Where files of users are taken, below the panel's own path."""
