"""Models in the store: published, named, loaded, and what they predict."""
