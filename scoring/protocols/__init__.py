"""Protocols: the rules that turn a table of verdicts into numbers, ours and the published ones side by side."""
