"""A fleet: several servers of one stack, one of which has the panel (docs/fleet.md, decision 0041)."""
