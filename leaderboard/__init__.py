"""Submit, score, compare."""
