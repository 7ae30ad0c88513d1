"""Text from outside, made safe to keep: what cannot be shown, or shows as something else, is refused."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from vdc.errors import InputError, Problem

MAX_NAME: Final = 120
MAX_NOTE: Final = 2000
MAX_URL: Final = 500

# Characters that reorder the text around them: a name must read the same everywhere.
_REORDERING: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_name(text: str, what: str, *, most: int = MAX_NAME) -> str:
    """A one-line text without characters that cannot be seen.

    Args:
        text: As given; surrounding and repeated white space is removed.
        what: Its name in messages.
        most: Longest length in characters.

    Raises:
        InputError: Empty, too long, or with control or reordering characters.
    """
    name = " ".join(check_text(text, what, most=most).split())
    if not name:
        raise InputError(Problem(f"an empty {what}", "a text", f"give the {what}"))
    return name


def check_text(text: str, what: str, *, most: int = MAX_NOTE) -> str:
    """A text of any number of lines.

    Raises:
        InputError: Too long, or with characters that no database or page can be trusted with.
    """
    wrong = sorted({f"U+{ord(letter):04X}" for letter in text if _is_wrong(letter)})
    if wrong:
        found = f"{what} with the characters {', '.join(wrong[:5])}"
        raise InputError(
            Problem(found, "text without control or reordering characters", f"remove them from the {what}")
        )
    if len(text) > most:
        raise InputError(Problem(f"{what} of {len(text):,} characters", f"at most {most:,}", f"shorten the {what}"))
    return text.strip()


def check_url(text: str, what: str) -> str:
    """A web address; anything a browser would run instead of open is refused.

    Raises:
        InputError: Not http or https, or as :func:`check_text`.
    """
    address = check_text(text, what, most=MAX_URL)
    if address and not re.fullmatch(r"https?://[^\s\"'<>`\\]+", address):
        raise InputError(Problem(f"a {what} that is no web address", "https://...", "correct it, or leave it out"))
    return address


def slug_of(name: str) -> str:
    """What tells models apart: letters and digits in lower case, so that case and punctuation do not.

    Example:
        >>> slug_of("LLaVA-1.6-7B"), slug_of("AURORACAP-7B") == slug_of("AuroraCap-7B")
        ('llava-1-6-7b', True)
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    words = re.findall(r"\w+", folded.replace("_", " "))
    # A name of punctuation alone still needs an address of its own.
    return "-".join(words)[:MAX_NAME] or "x" + folded.encode().hex()[: MAX_NAME - 1]


def _is_wrong(letter: str) -> bool:
    return letter in _REORDERING or (unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\n\r\t")
