"""Captions and answers that try to steer the judge: made harmless before they are sent, and flagged."""
