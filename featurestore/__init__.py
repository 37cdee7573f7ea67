"""What a feature is, how it is kept and how it is read."""
