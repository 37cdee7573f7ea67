"""From text to words, keywords and tokens."""
