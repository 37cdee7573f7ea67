"""The frames view: eight embeddings of each video."""
