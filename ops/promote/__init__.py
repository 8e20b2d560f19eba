"""`ops pin` and `ops promote` (decision 0038)."""
