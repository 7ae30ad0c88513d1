"""Statistics: intervals, paired tests, ranks, ratings and agreement. Randomness is always passed in."""
