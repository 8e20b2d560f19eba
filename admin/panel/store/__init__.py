"""The panel's store: what is kept, in SQLite or PostgreSQL, and nothing of what it means."""
