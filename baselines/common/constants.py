"""Ids that the published data formats share."""

from __future__ import annotations

IMAGE_PLACEHOLDER = -200
"""Stands for a picture in token ids; it never reaches an embedding table."""

IGNORED_LABEL = -100
"""Label of a position without loss."""
