"""What extraction has done, what is left, and what failed."""
