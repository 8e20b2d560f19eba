"""Daily operations: looking at what runs, and changing whether it runs."""
