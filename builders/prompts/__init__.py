"""The words in which the builders ask a model: versioned files with a hash, loaded in one place."""
