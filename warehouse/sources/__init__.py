"""One module for each input format; each reads a listing as a stream of `VideoRecord`."""
