"""Does a row fit its own video better than others? Judged by the words of the other sections."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from builders.audit.model import AuditTables, Finding
from vdc.benchmark.normalise import CONTENT_STOP_WORDS
from vdc.sections import Section

RANK_SHARE: Final = 0.1
"""Share of the other videos that must come before a row's own video, 0 to 1."""

SMALLEST_BENCHMARK: Final = 50
"""Videos needed before a rank among them means anything."""

_BLOCK_ROWS = 256
_WORD = re.compile(r"\w\w+")


def find_rows_unlike_own_video(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Rows for which a tenth or more of the other videos fit better than their own."""
    others = [other for other in tables.sections if other != section]
    rest = {
        video: " ".join(tables.texts[other][video] for other in others if video in tables.texts[other])
        for video in tables.all_ids
    }
    videos = [video for video in tables.all_ids if _WORD.search(rest[video])]
    rows = [video for video in videos if video in tables.texts[section]]
    if len(rows) < SMALLEST_BENCHMARK:
        return
    # Loaded here: the import costs more than a second, which an audit of a small benchmark does not need.
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=_WORD.pattern, stop_words=sorted(CONTENT_STOP_WORDS), sublinear_tf=True)
    candidates = vectorizer.fit_transform([rest[video] for video in videos])
    queries = vectorizer.transform([tables.texts[section][video] for video in rows])
    place = {video: position for position, video in enumerate(videos)}
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = rows[start : start + _BLOCK_ROWS]
        similarity = (queries[start : start + len(block)] @ candidates.T).toarray()
        own = similarity[np.arange(len(block)), [place[video] for video in block]]
        better = (similarity > own[:, None]).sum(axis=1)
        best = similarity.argmax(axis=1)
        for position in np.flatnonzero(better >= RANK_SHARE * (len(videos) - 1)).tolist():
            video = block[position]
            detail = f"{better[position]} of {len(videos) - 1} videos fit better, the best is {videos[best[position]]}"
            yield Finding(video, tables.last_rows[section][video].line, None, detail)
