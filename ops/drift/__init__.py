"""What differs between what was deployed and what runs, outside the code; and what was not deployed yet."""
