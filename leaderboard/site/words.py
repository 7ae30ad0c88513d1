"""What the project's words mean, for the pages that need to say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vdc.sections import Section

SECTION_MEANINGS: Final[Mapping[Section, str]] = {
    "short": "one sentence that sums the video up",
    "background": "the place, the light, the weather, what stands around",
    "main_object": "what the video is about: how it looks and what it does",
    "camera": "shots, angles, movements and cuts",
    "detailed": "everything above in one long caption",
}
"""What a caption of each section is to describe."""
