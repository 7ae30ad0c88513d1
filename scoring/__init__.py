"""VDCscore: prompts, judges, parsing, protocols, statistics, reports."""
