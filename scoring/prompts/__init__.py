"""What a judge is asked: versioned prompt sets, their hashes, and the import of published wordings."""
