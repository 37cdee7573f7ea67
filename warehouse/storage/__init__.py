"""Where bytes of the store are written."""
