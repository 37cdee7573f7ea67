"""An S3-compatible bucket as storage: objects under their digests, read through a local cache."""
