"""Recognises orders to a judge in many languages; patterns only, so a new wording can pass (see ``outcome``).

Descriptions of videos are full of imperatives, scores and answers: a teacher orders pupils to write, a phone is
answered, a match ends 4-2. A pattern therefore needs an order *and* a thing that only a judge has: its instructions,
the questions, a verdict, a gold answer.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from scoring.hostile.folding import fold, squeeze

_LINE = re.compile(r"[ \t]*[\r\n\u2028]+[ \t]*")


def has_order(text: str) -> bool:
    """Whether a text gives orders that only a judge could follow.

    Args:
        text: Any text; disguised letters and invisible characters are seen through, codes are not (see ``detect``).
    """
    plain = squeeze(_LINE.sub(". ", text))
    return any(pattern.search(plain) for pattern in _patterns())


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """The lines of the data file, those with a common beginning joined: a third of the time, same matches."""
    macros: dict[str, str] = {}
    joined: dict[str, list[str]] = {"{START}": [], r"\b": [], "": []}
    text = files("scoring.hostile").joinpath("order_patterns.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("@"):
            name, _, value = line[1:].partition(" ")
            macros["{" + name + "}"] = value
        elif line and not line.startswith("#"):
            beginning = next(beginning for beginning in joined if line.startswith(beginning))
            joined[beginning].append(f"(?:{line.removeprefix(beginning)})")
    sources = [f"{beginning}(?:{'|'.join(lines)})" for beginning, lines in joined.items() if beginning] + joined[""]
    for macro, value in macros.items():
        sources = [source.replace(macro, value) for source in sources]
    # Folding turns look-alike letters of every script into Latin ones; a pattern goes the way of the text.
    return tuple(re.compile(fold(source)) for source in sources)
