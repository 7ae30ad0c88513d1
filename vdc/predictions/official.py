"""The list that the published scorer reads: ``[{"doc": {"video_id": ...}, "resps": [["caption"]]}, ...]``.

Source: ``post_eval/process_vdc_result.py`` of rese1f/aurora takes ``doc.video_id`` and ``resps[0][0]``; we also take
``doc.video_name``, which is what a list cut out of an lmms-eval log has.
"""

from __future__ import annotations

from collections.abc import Iterator

from vdc.predictions.plain import ID_KEYS, SECTION_KEYS
from vdc.predictions.rows import ABSENT, PredictionFile, Row, describe, first_of, first_text


def read(file: PredictionFile) -> Iterator[Row]:
    """The entries of the list. They do not say their section unless a ``section`` key was added."""
    records = file.document()
    if not isinstance(records, list):
        if records is not ABSENT:
            file.reject(describe(records), "a JSON list of objects with doc and resps", "give the scorer's raw file")
        return
    for entry, record in enumerate(records, 1):
        doc = record.get("doc") if isinstance(record, dict) else None
        if not isinstance(record, dict) or not isinstance(doc, dict):
            file.reject_value(record, "an object whose doc is an object", entry, "entry")
            continue
        section = first_of(record, *SECTION_KEYS)
        yield Row(
            line=entry,
            video_id=first_of(doc, *ID_KEYS),
            section=section if section is not ABSENT else first_of(doc, *SECTION_KEYS),
            caption=first_text(first_of(record, "resps", "filtered_resps")),
            keys=tuple(record),
        )
