"""Folds text character by character, so that disguised letters and signs can be recognised where they stand."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LOOK_ALIKES: Final = {
    **dict(zip("авеокмнрстухіјѕһԁԛԝӏ", "abeokmhpctyxijshdqwl", strict=True)),
    **dict(zip("αβεηικμνορτυχωγ", "abehikmvoptuxwy", strict=True)),
    **dict(zip("ıɩɑɡɪʟᴀʙᴄᴅᴇꜰɢʜᴊᴋᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "iiagilabcdefghjkmnoprstuvwyz", strict=True)),
    **dict.fromkeys("|ǀ∣│⏐❘￨‖∥", "|"),
    **dict.fromkeys("˂ᐸ❮⟨", "<"),
    **dict.fromkeys("˃ᐳ❯⟩", ">"),
    **dict.fromkeys("∕⁄╱", "/"),
    "▁": "_",
}

_MATRA_SCRIPTS: Final = (0x0900, 0x109F)
"""Scripts whose combining signs are vowels, not accents: their letters keep what they decompose to."""

INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
"""Characters that show nothing or only change direction, as the inside of a regular-expression class."""

CONTROL: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff"
"""Control characters other than tab and line feed, and code points that are no characters; also for a class."""

_MARK_RUN = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+")
_INVISIBLE_RUN = re.compile(f"[{INVISIBLE}]+")
_CONTROL_RUN = re.compile(f"[{CONTROL}]+")


class _FoldTable(dict[int, str]):
    """Fills itself: the folded form of every character met so far."""

    def __missing__(self, code: int) -> str:
        folded = _fold_character(chr(code))
        self[code] = folded
        return folded


def fold(text: str) -> str:
    """Lower case, accents off, full-width and look-alike letters turned into the Latin ones they imitate.

    Returns:
        Text of the same length, character ``i`` standing for character ``i`` of ``text``, so a match found in it can
        be edited in the original. Real Russian or Greek text becomes unreadable by this; patterns for it must be
        folded as well.
    """
    return text.lower() if text.isascii() else text.translate(_TABLE)


def squeeze(text: str) -> str:
    """Folded text without controls and invisible characters, white space reduced to single spaces.

    The form in which wording is compared; its length says nothing about the original's.
    """
    if not text.isascii():
        # Marks that no letter has of its own: strokes and dots strewn over a text to hide its words from patterns.
        text = _MARK_RUN.sub("", _INVISIBLE_RUN.sub("", unicodedata.normalize("NFKC", text)))
    return " ".join(fold(_CONTROL_RUN.sub("", text)).split())


def _fold_character(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) != 1:
        plain = character
    plain = plain.casefold() if len(plain.casefold()) == 1 else plain
    if not _MATRA_SCRIPTS[0] <= ord(plain) <= _MATRA_SCRIPTS[1]:
        parts = unicodedata.normalize("NFKD", plain)
        if len(parts) > 1 and all(unicodedata.category(part) == "Mn" for part in parts[1:]):
            plain = parts[0]
    return _LOOK_ALIKES.get(plain, plain)


_TABLE = _FoldTable()
