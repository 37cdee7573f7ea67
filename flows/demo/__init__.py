"""The demo: a drawn corpus, the small encoder that reads it, and the whole job in one command."""
