"""The deployments, the command line and the demo: thin, over the rooms below."""

import os

# Read when torch is first imported. Threads that spin while they wait make each step of a small
# model up to a hundred times slower as soon as another process uses a core.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
