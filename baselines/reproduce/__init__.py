"""Every published number of the three papers: what it needs, how to remake it, and what is known to be off."""
