"""Zips of frames and the pictures in them."""
