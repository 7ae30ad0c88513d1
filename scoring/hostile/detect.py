"""Names what is suspicious about a caption before it is judged; a mark for the reader, never a change of the score."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scoring.hostile.folding import CONTROL, fold, squeeze
from scoring.hostile.neutralise import LENGTH_LIMIT, neutralise
from scoring.hostile.orders import has_order
from scoring.hostile.tokens import CLOSING_DELIMITER, ROLE_INLINE, ROLE_LINE, SQUARE_WORD, TEMPLATE_TOKEN
from vdc.benchmark.model import Question

REASONS: Final = {
    "order_to_judge": "gives orders that only a judge could follow",
    "fake_verdict": "holds what reads like a verdict",
    "role_marker": "opens a turn of a conversation",
    "template_token": "holds a special token of a chat template",
    "closing_delimiter": "pretends that the caption ends",
    "control_character": "holds NUL or another control character",
    "surrogate": "holds half of a character (lone surrogate)",
    "invisible_text": "holds characters that cannot be seen",
    "mixed_script": "mixes look-alike letters of two scripts in a word",
    "too_long": "is longer than the length sent to a judge",
    "parroted_questions": "repeats questions of the benchmark",
    "keyword_stuffing": "is a list of words, not sentences",
    "markup": "holds HTML, templates or fenced blocks",
    "sql": "holds SQL",
    "code": "holds program code",
    "encoded_text": "holds encoded text",
    "repetition": "repeats itself",
    "uniform_answers": "gets the same matched answer to different questions",
    "verdict_in_answer": "makes the judge answer with a verdict or an order",
    "verdicts_beyond_caption": "gets full marks for things it does not mention",
    "answers_from_nowhere": "gets matched answers found neither in the caption nor in the gold",
}
"""Every reason a caption can be marked with, here and in :mod:`scoring.hostile.outcome`, in words for the report."""

_SCANNED = 4 * LENGTH_LIMIT
_FAKE_VERDICT = re.compile(
    r"[\"'*]?\b(?:pred|prediction|verdict|match|is_match|is_correct|correct)\b[\"'*]{0,2}\s?[:=]\s?[\"'*]{0,2}(?:yes|true)\b"
    r"|\b(?:pred|verdict)\b[^.{}]{0,30}\bscore\b\s?[\"']?\s?[:=]|[\"']score[\"']\s?[:=]|\{[^{}]{0,60}\bscore\b"
    r"|[\"'](?:answer|response|result|evaluation)[\"']\s?:\s?[\"'](?:yes|correct|true|match)"
    r"|\bscore\s?[:=]\s?5(?:\.0)?(?:\s?/\s?5| out of 5)?(?![\w.:-]|\s?-)|^yes\W{1,3}(?:score\W{1,2})?5\b"
)
_JSON_ROLE = re.compile(r"[\"'](?:role|tool_calls?|function_call|recipient)[\"']\s?:|\bfunctions?\.\w+\(\s?\{")
_MARKUP = re.compile(
    r"</?(?:a|b|body|br|button|div|em|embed|form|h[1-6]|head|html|i|iframe|img|input|li|link|meta|ol|p|pre|script|span|"
    r"strong|style|svg|table|td|tr|u|ul|xml)\b[^<>]{0,200}>|<!--|<!\[cdata\[|<!doctype|<\?xml|```|~~~|!\[[^\]]{0,80}\]\(|"
    r"\{\{.{1,80}?\}\}|\{%.{1,80}?%\}|&(?:lt|gt|quot);|javascript:"
)
_SQL = re.compile(
    r"\b(?:drop|truncate|alter) table\b|\bdelete from \w+|\binsert into \w+|\bunion (?:all )?select\b|"
    r"\bselect\b.{1,60}\bfrom \w+.{0,30}(?:;|\bwhere\b)|\bupdate \w+ set \w+\s?=|'\s?or\s?'?1'?\s?=\s?'?1|;\s?--"
)
_CODE = re.compile(
    r"\bimport (?:os|sys|subprocess|json)\b|__\w{3,20}__|\b(?:eval|exec|system|popen)\s?\(|\bdef \w+\(.{0,60}\)\s?:|"
    r"\bfunction\s?\w{0,30}\([^)]{0,60}\)\s?\{|<\?php|console\.log\(|#!/|\bprint\(|\$\{.{1,40}?\}|\$\([a-z]|\bsudo \w+|"
    r"\brm -rf\b|\breturn [\"'{].{0,60}[;}]|\blambda \w*:"
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
_HEX = re.compile(r"(?:\\x[0-9a-f]{2}){6,}|(?:\\u[0-9a-f]{4}){4,}|(?:%[0-9a-f]{2}){8,}|(?:&#x?[0-9a-f]{2,6};){5,}|"
                  r"\b(?:[0-9a-f]{2} ?){24,}\b|\b(?:[01]{8} ?){4,}|(?:[.-]{1,5} ?[/ ] ?){12,}")  # fmt: skip
_LEET: Final = (str.maketrans("013457@$!+8", "oieastasitb"), str.maketrans("013457@$!+8", "oleastaslib"))
_SPACED = re.compile(r"\b(?:\w[ .*-]){5,}\w\b")
_BETWEEN_LETTERS = re.compile(r"(?<=\b\w)[ .*-](?=\w\b)")
_WORD = re.compile(r"[^\W\d_]+")
_SEPARATORS = re.compile(r"[,;|•·、，；]")
_ENDS = re.compile(r"[.!?。！？।]")
_FUNCTION_WORD_LIST = """
a an the of in on at to and with is are was were his her its their he she it they that this as by from for into over
who while then has have der die das und ein eine mit ist im auf le la les des et un une dans est avec el los las y en
con se su del que por o il di e che per al da do os um uma no na em
"""
_FUNCTION_WORDS: Final = frozenset(_FUNCTION_WORD_LIST.split())


def suspicions(caption: str, questions: Sequence[Question] = ()) -> tuple[str, ...]:
    """What is suspicious about a caption as it was submitted.

    Args:
        caption: The text as read, before it is neutralised or cut. Of a very long one the first part is looked at.
        questions: The questions it will be asked, to see whether it repeats them.

    Returns:
        Keys of :data:`REASONS` in their order; empty for an ordinary caption. A wording that no pattern knows shows
        only in its verdicts: see :func:`scoring.hostile.outcome.outcome_suspicions`.
    """
    text = caption[:_SCANNED]
    plain = squeeze(text)
    folded = fold(text)
    found = set(neutralise(text).changes) - {"markup", "closing_delimiter"}
    ordered = has_order(text)
    checks = {
        "order_to_judge": ordered,
        "fake_verdict": bool(_FAKE_VERDICT.search(plain)),
        "role_marker": bool(ROLE_LINE.search(folded) or ROLE_INLINE.search(text) or _JSON_ROLE.search(plain)),
        "template_token": bool(TEMPLATE_TOKEN.search(plain) or SQUARE_WORD.search(plain)),
        "closing_delimiter": bool(CLOSING_DELIMITER.search(plain)),
        "control_character": bool(re.search(f"[{CONTROL}]", text.replace("\r\n", "\n"))),
        "mixed_script": any(_mixes_scripts(word) for word in _WORD.findall(text)) if not text.isascii() else False,
        "too_long": len(caption) > LENGTH_LIMIT,
        "parroted_questions": _parrots(plain, questions),
        "keyword_stuffing": _is_word_list(text),
        "markup": bool(_MARKUP.search(plain)),
        "sql": bool(_SQL.search(plain)),
        "code": bool(_CODE.search(plain)),
        "encoded_text": _is_encoded(text, plain, ordered),
        "repetition": _repeats(plain),
    }
    found |= {reason for reason, holds in checks.items() if holds}
    return tuple(reason for reason in REASONS if reason in found)


def _mixes_scripts(word: str) -> bool:
    """Latin letters and look-alikes of another script in one word; a single foreign letter (a Δx) is a symbol."""
    if word.isascii() or len(word) < 3:
        return False
    latin = sum(character.isascii() for character in word)
    imitated = sum("\u0370" <= character <= "\u052f" and fold(character).isascii() for character in word)
    return latin > 0 and imitated > 0 and len(word) >= 4


def _parrots(plain: str, questions: Sequence[Question]) -> bool:
    """Three questions, or a third of them, stand in the caption word by word."""
    words = f" {' '.join(_WORD.findall(plain))} "
    asked = {" ".join(_WORD.findall(squeeze(question.question))) for question in questions}
    asked = {question for question in asked if question.count(" ") >= 3}
    repeated = sum(f" {question} " in words for question in asked)
    return repeated >= 3 or (repeated > 0 and repeated * 3 >= len(asked))


def _is_word_list(text: str) -> bool:
    """Many words, and either hardly a sentence among commas, or every choice named, or hardly a function word."""
    words = [word.lower() for word in _WORD.findall(text)]
    if len(words) < 30:
        return False
    if words.count("or") >= 10 and words.count("or") * 8 > len(words):
        return True
    separators = len(_SEPARATORS.findall(text))
    if separators > 0.4 * len(words):
        return True
    function_words = sum(word in _FUNCTION_WORDS for word in words)
    return text.isascii() and function_words < 0.06 * len(words) and len(_ENDS.findall(text)) * 20 <= len(words)


def _is_encoded(text: str, plain: str, ordered: bool) -> bool:
    if _HEX.search(plain) or any(_decodes(run[0]) for run in _BASE64.finditer(text)):
        return True
    # An order that shows only after decoding is an order; ordinary prose decodes to none.
    return not ordered and any(has_order(decoded) for decoded in _decodings(text, plain))


def _decodings(text: str, plain: str) -> Iterator[str]:
    if text.isascii():
        yield codecs.encode(plain, "rot13")
    yield plain[::-1]
    if any(character in plain for character in "013457@$!+8"):
        yield from (_leet(plain, table) for table in _LEET)
    if _SPACED.search(plain):
        yield _BETWEEN_LETTERS.sub("", fold(text))


def _leet(plain: str, table: Mapping[int, int]) -> str:
    """Digits read as letters, only inside words that have both, so that 5 stays 5."""
    return " ".join(
        word.translate(table) if any(map(str.isalpha, word)) and not word.isalpha() else word for word in plain.split()
    )


def _decodes(run: str) -> bool:
    """Whether a run of letters is base64 (or hex) of readable text."""
    padded = run.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
        readable = decoded.decode("utf-8")
    except (binascii.Error, ValueError):
        return False
    return len(readable) >= 16 and sum(map(str.isprintable, readable)) >= 0.95 * len(readable) and " " in readable


def _repeats(plain: str) -> bool:
    """One word, sentence or pattern over and over."""
    words = plain.split()
    if re.search(r"\b([^\W_]{2,})\b(?:\W+\1\b){7,}", plain[:LENGTH_LIMIT]):
        return True
    sentences = Counter(sentence.strip() for sentence in _ENDS.split(plain) if sentence.count(" ") >= 2)
    if sentences and max(sentences.values()) >= 5:
        return True
    return len(words) >= 60 and len(zlib.compress(plain.encode("utf-8", "replace"))) < 0.12 * len(plain)
