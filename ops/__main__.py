"""`python -m ops`."""

from .cli import main

main(prog_name="ops")
