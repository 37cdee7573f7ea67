"""The cross encoder, its parts, and what it learns from."""
