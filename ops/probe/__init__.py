"""Looks at the deployed server as a censor would, and compares each answer with a plain Caddy's (decision 0011)."""
