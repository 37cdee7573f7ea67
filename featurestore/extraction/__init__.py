"""From bytes to features: decode, encode, tokenise.

Knows nothing of the store; only `flows` imports it.
"""
