"""Backup and restore of a whole server: `ops backup` and `ops restore` (docs/backup.md, decision 0027)."""
