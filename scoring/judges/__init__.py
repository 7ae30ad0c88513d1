"""Judges: anything that answers questions from captions and matches the answers."""
