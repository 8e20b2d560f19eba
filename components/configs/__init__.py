"""The text of every daemon's configuration, as pure functions; no Pulumi in here."""
