"""Turns a caption or an answer into harmless data: nothing in it is structure to a tokenizer, a template or a prompt.

Ordinary text in any language comes back identical. Nothing is deleted that could be read; signs that begin a token
or a tag are replaced by signs that look alike and mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from scoring.hostile.folding import CONTROL, INVISIBLE, fold
from scoring.hostile.tokens import (
    BAR_BY_BRACKET,
    CLOSING_DELIMITER,
    OPENING_BRACKET,
    ROLE_INLINE,
    ROLE_LINE,
    SQUARE_WORD,
    TEMPLATE_TOKEN,
    TILDE_BY_BRACKET,
)

LENGTH_LIMIT: Final = 16_000
"""Longest caption sent to a judge, in characters; about 4,000 tokens of English, 25 times the published mean."""

ROLE_MARK: Final = "› "
"""Put before what looks like the start of a chat turn."""

_CLOSER_REACH = 80
_NEEDS_WORK = re.compile(f"[{CONTROL}{INVISIBLE}\ud800-\udfff\u2028\u2029<>|\\[~:：#]|[^\x00-\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile(f"[{CONTROL}]")
_FLAG_SEQUENCE = "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f"
_INVISIBLE = re.compile(f"{_FLAG_SEQUENCE}|[{INVISIBLE}]+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefe]")
_SOUTH_EAST_ASIAN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ua800-\uabff\ufb50-\ufdcf\ufe70-\ufefe]")
_JOINERS = ("\u200c", "\u200d", "\u180b", "\u180c", "\u180d", "\u180e", "\u180f")
_PICTURE = re.compile("[\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001fbff]")
_IDEOGRAPH = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Neutralised:
    """Text that may be put between delimiters.

    Args:
        text: Harmless form; neutralising it again changes nothing.
        changes: What had to be changed, each kind once, in the words of :mod:`scoring.hostile.detect`:
            ``surrogate``, ``control_character``, ``invisible_text``, ``template_token``, ``closing_delimiter``,
            ``markup``, ``role_marker``. Line ends are unified without being counted.
    """

    text: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """Text of bounded length.

    Args:
        text: At most ``limit`` characters.
        removed: Characters cut off the end.
    """

    text: str
    removed: int = 0


def neutralise(text: str) -> Neutralised:
    """Make untrusted text harmless.

    Args:
        text: A caption, or an answer of step 1 (which may repeat what a caption ordered).

    Returns:
        The text with control characters and text that cannot be seen removed, lone surrogates replaced by U+FFFD,
        every special token of the common chat templates and every tag broken (``<`` becomes ``‹``, ``|`` beside a
        bracket ``¦``, control words get round brackets), and chat turns marked with ``›``.
    """
    if not _NEEDS_WORK.search(text):
        return Neutralised(text)
    changes: list[str] = []
    text = _drop_unseen(text, changes)
    # Marks come first: a mark beside a bar is a bracket beside a bar, which the next step breaks.
    text = _mark_roles(text, changes)
    text = _break_tokens(text, changes)
    return Neutralised(text, tuple(changes))


def cut(text: str, limit: int = LENGTH_LIMIT) -> Cut:
    """Bound the length of a text: it ends at the last white space before the limit, or at the limit without one.

    White space in the first half is too far back to count. Cut after neutralising, which can lengthen a text.

    Args:
        text: Any text.
        limit: Most characters kept.
    """
    if len(text) <= limit:
        return Cut(text)
    kept = text[:limit]
    if not text[limit].isspace():
        head = kept[: limit // 2]
        tail = kept[limit // 2 :]
        shorter = re.split(r"\s+(?=\S*\Z)", tail, maxsplit=1)[0] if re.search(r"\s", tail) else tail
        kept = head + shorter
    kept = kept.rstrip()
    return Cut(kept, len(text) - len(kept))


def _drop_unseen(text: str, changes: list[str]) -> str:
    text, surrogates = _SURROGATE.subn("\ufffd", text)
    text = _LINE_END.sub("\n", text)
    text, controls = _CONTROL.subn("", text)
    if surrogates:
        changes.append("surrogate")
    if controls:
        changes.append("control_character")
    if text.isascii():
        return text
    right_to_left = _RIGHT_TO_LEFT.search(text) is not None
    # The neighbours that decide are visible characters, so a second pass decides the same.
    seen = _INVISIBLE.sub(lambda run: run[0] if _is_needed(run, right_to_left) else "", text)
    if seen != text:
        changes.append("invisible_text")
    return seen


def _is_needed(run: re.Match[str], right_to_left: bool) -> bool:
    """Whether invisible characters belong to the spelling of the text around them."""
    characters = run[0]
    if characters[0] == "\U0001f3f4":
        return True
    before = run.string[run.start() - 1] if run.start() else ""
    after = run.string[run.end()] if run.end() < len(run.string) else ""
    if characters in ("\u200e", "\u200f", "\u061c"):
        return right_to_left
    if characters == "\u200b":
        return bool(_SOUTH_EAST_ASIAN.match(before) and _SOUTH_EAST_ASIAN.match(after))
    if characters in _JOINERS and _JOINING.match(before):
        return True
    if characters in ("\u200d", "\ufe0f\u200d"):
        return bool(_PICTURE.match(before) and _PICTURE.match(after))
    if characters in ("\ufe0e", "\ufe0f"):
        return bool(_PICTURE.match(before)) or (before in "0123456789#*" and after == "\u20e3")
    return len(characters) == 1 and "\U000e0100" <= characters <= "\U000e01ef" and bool(_IDEOGRAPH.match(before))


def _break_tokens(text: str, changes: list[str]) -> str:
    folded = fold(text)
    replacements: dict[int, str] = {}
    for opener in OPENING_BRACKET.finditer(folded):
        at = opener.start()
        replacements[at] = "‹"
        closer = folded.find(">", at + 1, at + _CLOSER_REACH)
        while closer in replacements:
            closer = folded.find(">", closer + 1, at + _CLOSER_REACH)
        if closer >= 0:
            replacements[closer] = "›"
    for bar in BAR_BY_BRACKET.finditer(folded):
        replacements[bar.end() - 1] = "¦"
    for tilde in TILDE_BY_BRACKET.finditer(folded):
        replacements[tilde.start()] = "∼"
    for word in SQUARE_WORD.finditer(folded):
        replacements[word.start()] = "("
        replacements[word.end() - 1] = ")"
    if not replacements:
        return text
    if CLOSING_DELIMITER.search(folded):
        changes.append("closing_delimiter")
    if TEMPLATE_TOKEN.search(folded) or SQUARE_WORD.search(folded):
        changes.append("template_token")
    if not {"closing_delimiter", "template_token"} & set(changes):
        changes.append("markup")
    characters = list(text)
    for at, replacement in replacements.items():
        characters[at] = replacement
    return "".join(characters)


def _mark_roles(text: str, changes: list[str]) -> str:
    starts = {line.start() for line in ROLE_LINE.finditer(fold(text))}
    for at in sorted(starts, reverse=True):
        text = text[:at] + ROLE_MARK + text[at:]
    marked = ROLE_INLINE.sub(lambda role: ROLE_MARK + role[0], text)
    if starts or marked != text:
        changes.append("role_marker")
    return marked
