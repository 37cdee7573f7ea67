"""The commands of `reelstore`, one module for each kind of work.

Each imports what it runs only when it runs.
"""
