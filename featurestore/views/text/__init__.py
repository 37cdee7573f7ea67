"""The text view: the tokens and keywords of each video."""
