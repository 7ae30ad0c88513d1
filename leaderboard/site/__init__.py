"""What the pages share: the open board, ways of showing text from outside, downloads."""
