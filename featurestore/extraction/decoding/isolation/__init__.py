"""What the kernel takes away from a decoding worker."""
