"""`python -m ops`."""

from .cli import main

main()
