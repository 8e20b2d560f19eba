"""The operator's commands: they drive Pulumi and Docker, and say in one sentence what went wrong."""
