"""Commands of the baselines, one file each."""
