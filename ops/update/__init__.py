"""`ops update` and `ops rollback` (decision 0028)."""
