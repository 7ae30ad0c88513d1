"""Reads a judge's verdict out of whatever text the judge wrote, or says why it cannot; never guesses, never runs it.

Accepted are the spellings real judges use: a Python or JSON dictionary (fenced, assigned, wrapped once, between
sentences, with smart quotes or a trailing comma), labelled fields (``pred: yes``, ``<score>4</score>``) and a bare
``Yes, 4/5``. Whatever could be read in two ways is :class:`Unparsed`: two verdicts that differ, a yes beside a no, a
score outside 0 to 5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from scoring.types import Verdict

MATCH_KEYS: Final = ("pred", "match", "matches", "is_match", "verdict", "is_correct")
"""Names of the yes/no field."""

ECHO_KEYS: Final = ("prediction", "correct")
"""Names under which judges write the yes/no field but also repeat the predicted or the right answer; they count only
in a dictionary that has none of ``MATCH_KEYS``, and only where the value is a yes or a no."""

SCORE_KEYS: Final = ("score", "rating", "grade")
"""Names of the 0 to 5 field, ``score`` first."""

REPLY_LIMIT: Final = 20_000
"""Characters of reply, after the reasoning, that are looked at; a longer one is no verdict."""

MAX_DEPTH: Final = 4
MAX_BRACES: Final = 64
WORDS: Final = {"yes": True, "true": True, "no": False, "false": False}

_FAST = re.compile(
    r"""\s*\{\s*(["'])pred\1\s*:\s*(["'])(yes|no)\2\s*,\s*(["'])score\4\s*:\s*([0-5](?:\.[0-9]{1,6})?)\s*\}\s*"""
)
_REASONING_TAGS = tuple(
    case(tag) for tag in ("think>", "thinking>", "thought>", "reasoning>") for case in (str.lower, str.upper, str.title)
)
_FINAL_CHANNEL = "<|channel|>final<|message|>"
_PLAIN_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»″＂", '"'),
        **dict.fromkeys("‘’‚‛′＇", "'"),
        **dict(zip("：，｛｝＝／−\u00a0", ":,{}=/- ", strict=True)),
        **dict.fromkeys("\ufeff\u200b\u200c\u200d\u2060", None),
    }
)
# Possessive quantifiers: a quote that never closes must cost one pass, not one pass per character.
_TOKEN = re.compile(
    r"""\s*+(?:(?P<string>"[^"\\]*+(?:\\.[^"\\]*+)*+"|'[^'\\]*+(?:\\.[^'\\]*+)*+')"""
    r"""|(?P<word>[^\s,:={}\[\]"']++)|(?P<mark>[,:={}\[\]]))""",
    re.DOTALL,
)
_NUMBER = r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:e[+-]?[0-9]{1,5})?"
_SCORE_VALUE = re.compile(rf"({_NUMBER})(?:\s*(?:/|out of)\s*([0-9]{{1,3}}(?:\.0)?))?\.?", re.IGNORECASE)
_LABEL_END = r"""["'*_`]{0,4}\s{0,4}(?:[:=>]|\bis\b)\s{0,4}["'*_`]{0,4}\s{0,2}"""
_LABELLED_MATCH = re.compile(rf"(?<![\w/])(?:pred|verdict|match){_LABEL_END}(yes|no|true|false)\b", re.IGNORECASE)
_LABELLED_SCORE = re.compile(
    rf"(?<![\w/])(?:score|rating){_LABEL_END}({_NUMBER}|[+-]?nan|[+-]?inf(?:inity)?)(?![\w])(?!\.[0-9])"
    r"(?!\s{0,2}(?:-|–|to)\s{0,2}[0-9])(?:\s{0,2}(?:/|out of)\s{0,2}([0-9]{1,3})\b)?",
    re.IGNORECASE,
)
_LEADING_WORD = re.compile(
    r"""[\s"'*_`(\[]{0,8}(yes|no|true|false)["'*_`)\]]{0,3}\s{0,3}(?:[,.;:!\n–—-]|$)""", re.IGNORECASE
)
_BARE = re.compile(
    rf"""[\s"'*_`(\[]*+(?P<match>yes|no|true|false)\b[\s"'*_`()\[\],.;:!]*+(?:[-–—]\s+)?(?:(?:score|rating)\b[\s"'*_`:=]*+(?:of\s+)?)?"""
    rf"""(?P<score>{_NUMBER}(?:\s*(?:/|out of)\s*[0-9]+)?)[\s"'*_`)\].!]*+""",
    re.IGNORECASE,
)
_OF_FIVE = re.compile(rf"(?<![\w./-])({_NUMBER})\s{{0,2}}(?:/|out of)\s{{0,2}}5(?![\w/]|\.[0-9])", re.IGNORECASE)
_YES = re.compile(r"\byes\b", re.IGNORECASE)
_NO = re.compile(r"\bno\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A reply that is no verdict.

    Args:
        reason: What is wrong with it, in a few words for the report.
    """

    reason: str


class _BrokenObjectError(ValueError):
    """The braces do not hold a dictionary; the text may still be read by its labels."""


class _NestedTooDeepError(ValueError):
    """More levels than any verdict has."""


@dataclass(frozen=True, slots=True)
class _Pair:
    key: str
    text: str


@dataclass(slots=True)
class _Reading:
    """Every value found for the two fields, and the first thing wrong with one of them."""

    matches: set[bool] = field(default_factory=set)
    scores: set[float] = field(default_factory=set)
    fault: str = ""

    def add_score(self, text: str, of: str | None = None) -> None:
        score = _score_of(text, of)
        if isinstance(score, str):
            self.fault = self.fault or score
        else:
            self.scores.add(score)


def parse_verdict(text: str | None) -> Verdict | Unparsed:
    """The verdict a judge's reply holds.

    Args:
        text: The reply as received; None where there was none. Reasoning before the last closing ``</think>`` is left
            out, so a verdict that was only thought about never counts.

    Returns:
        The verdict, the same for every accepted spelling of it, or the reason why the reply is none. Never raises;
        time is linear in the length of the reply.

    Example:
        >>> parse_verdict("Here it is: {'pred': 'Yes.', 'score': '4'}")
        Verdict(match=True, score=4.0)
    """
    if not text:
        return Unparsed("empty reply")
    common = _FAST.fullmatch(text)
    if common is not None:
        score = float(common[5])
        return Verdict(common[3] == "yes", score) if score <= 5 else Unparsed(f"score {common[5]} is not in 0 to 5")
    reading = _read(text)
    return reading if isinstance(reading, Unparsed) else _decide(reading)


def parse_score(text: str | None) -> float | Unparsed:
    """The score alone, for judges that are asked for nothing else.

    Args:
        text: As for :func:`parse_verdict`; a number by itself is read as well.

    Returns:
        0 to 5, or the reason why the reply holds no single score. A yes or no beside it is left out of account.
    """
    if not text:
        return Unparsed("empty reply")
    reading = _read(text)
    if isinstance(reading, Unparsed):
        return reading
    if not reading.scores and not reading.fault:
        spoken = _without_reasoning(text)
        alone = None if isinstance(spoken, Unparsed) else _SCORE_VALUE.fullmatch(spoken.strip("`*_ \t\n"))
        if alone is not None:
            reading.add_score(alone[1], alone[2])
    if reading.fault:
        return Unparsed(reading.fault)
    if len(reading.scores) > 1:
        return Unparsed("two different scores")
    return reading.scores.pop() if reading.scores else Unparsed("no score")


def _read(text: str) -> _Reading | Unparsed:
    """Every value for the two fields in a reply, or why it cannot be looked through."""
    reply = _without_reasoning(text)
    if isinstance(reply, Unparsed):
        return reply
    if len(reply) > REPLY_LIMIT:
        return Unparsed(f"reply of {len(reply)} characters is too long for a verdict")
    reply = reply.translate(_PLAIN_CHARACTERS)
    try:
        objects, outside, broken = _find_objects(reply)
    except _NestedTooDeepError:
        return Unparsed("nested too deep")
    reading = _Reading()
    for pairs in objects:
        _read_pairs(pairs, reading)
    if objects and not (reading.matches or reading.scores or reading.fault) and not broken:
        return Unparsed("a dictionary without the fields pred and score")
    if broken and "}" not in reply[reply.rindex("{") :]:
        return Unparsed("dictionary cut short")
    _read_labels(outside, reading)
    if not objects:
        _read_prose(outside, reading)
    return reading


def _decide(reading: _Reading) -> Verdict | Unparsed:
    if reading.fault:
        return Unparsed(reading.fault)
    if len(reading.matches) > 1:
        return Unparsed("both yes and no")
    if len(reading.scores) > 1:
        return Unparsed("two different scores")
    if not reading.matches:
        return Unparsed("no yes or no" if reading.scores else "no verdict in the reply")
    if not reading.scores:
        return Unparsed("no score")
    return Verdict(reading.matches.pop(), reading.scores.pop())


def _without_reasoning(text: str) -> str | Unparsed:
    final = text.rfind(_FINAL_CHANNEL)
    if final >= 0:
        text = text[final + len(_FINAL_CHANNEL) :]
    if "<" in text:
        closed = max(text.rfind("</" + tag) for tag in _REASONING_TAGS)
        if max(text.rfind("<" + tag) for tag in _REASONING_TAGS) > closed:
            return Unparsed("reasoning that does not end")
        if closed >= 0:
            text = text[text.index(">", closed) + 1 :]
    reply = text.strip()
    return reply if reply else Unparsed("empty reply")


def _find_objects(text: str) -> tuple[list[list[_Pair]], str, bool]:
    """Dictionaries of the text, the text around them, and whether some braces held none.

    A dictionary that lacks the fields is replaced by the dictionaries directly inside it.
    """
    objects: list[list[_Pair]] = []
    around: list[str] = []
    broken = False
    at = 0
    for _ in range(MAX_BRACES):
        start = text.find("{", at)
        if start < 0:
            around.append(text[at:])
            return objects, "\n".join(around), broken
        found: list[tuple[int, list[_Pair]]] = []
        try:
            end = _read_object(text, start + 1, 1, found)
        except _BrokenObjectError:
            broken = True
            around.append(text[at : start + 1])
            at = start + 1
            continue
        outer = [pairs for depth, pairs in found if depth == 1]
        wrapped = [pairs for depth, pairs in found if depth == 2]
        objects += outer if any(_names_field(pairs) for pairs in outer) else outer + wrapped
        around.append(text[at:start])
        at = end
    raise _NestedTooDeepError


def _names_field(pairs: list[_Pair]) -> bool:
    keys = {pair.key for pair in pairs if pair.text}
    return not keys.isdisjoint((*MATCH_KEYS, *ECHO_KEYS, *SCORE_KEYS))


def _read_object(text: str, at: int, depth: int, found: list[tuple[int, list[_Pair]]]) -> int:
    """Position after the closing brace; the pairs go to ``found``, inner dictionaries first."""
    if depth > MAX_DEPTH:
        raise _NestedTooDeepError
    pairs: list[_Pair] = []
    while True:
        token, at = _next_token(text, at)
        if token["mark"] == "}":
            found.append((depth, pairs))
            return at
        if token["mark"] == ",":
            continue
        if token["mark"]:
            raise _BrokenObjectError
        key = _bare(token).strip().lower()
        token, at = _next_token(text, at)
        if token["mark"] not in (":", "="):
            raise _BrokenObjectError
        pair, at = _read_value(text, at, depth, found, key)
        pairs.append(pair)


def _read_value(text: str, at: int, depth: int, found: list[tuple[int, list[_Pair]]], key: str) -> tuple[_Pair, int]:
    """The value up to the next comma or closing mark, which is left unread."""
    parts: list[str] = []
    lists = 0
    while True:
        token, after = _next_token(text, at)
        mark = token["mark"]
        if mark == "{":
            at = _read_object(text, after, depth + 1, found)
            continue
        if mark == "[":
            parts.append(mark)
            lists += 1
            if lists + depth > MAX_DEPTH:
                raise _NestedTooDeepError
        elif mark == "]":
            lists -= 1
            if lists < 0:
                raise _BrokenObjectError
        elif mark in (",", "}") and not lists:
            return _Pair(key, " ".join(parts)), at
        elif mark in (":", "=", "}"):
            raise _BrokenObjectError
        elif not mark:
            parts.append(_bare(token))
        at = after


def _next_token(text: str, at: int) -> tuple[re.Match[str], int]:
    token = _TOKEN.match(text, at)
    if token is None:
        raise _BrokenObjectError
    return token, token.end()


def _bare(token: re.Match[str]) -> str:
    quoted = token["string"]
    return token["word"] if quoted is None else quoted[1:-1]


def _read_pairs(pairs: list[_Pair], reading: _Reading) -> None:
    keys = {pair.key for pair in pairs}
    match_keys = MATCH_KEYS if not keys.isdisjoint(MATCH_KEYS) else ECHO_KEYS
    for pair in pairs:
        if pair.key in match_keys:
            match = WORDS.get(pair.text.strip().rstrip(".!,").lower())
            if match is not None:
                reading.matches.add(match)
            elif pair.key == "pred":
                reading.fault = reading.fault or f"pred is {pair.text[:40]!r}, not yes or no"
        elif pair.key in SCORE_KEYS:
            value = _SCORE_VALUE.fullmatch(pair.text.strip())
            if value is not None:
                reading.add_score(value[1], value[2])
            else:
                reading.fault = reading.fault or f"score is {pair.text[:40]!r}, not a number from 0 to 5"


def _read_labels(text: str, reading: _Reading) -> None:
    """Fields written outside a dictionary; they must not contradict it."""
    for label in _LABELLED_MATCH.finditer(text):
        reading.matches.add(WORDS[label[1].lower()])
    for label in _LABELLED_SCORE.finditer(text):
        reading.add_score(label[1], label[2])
    leading = _LEADING_WORD.match(text)
    if leading is not None:
        reading.matches.add(WORDS[leading[1].lower()])


def _read_prose(text: str, reading: _Reading) -> None:
    """``Yes, 4/5`` and the like, where there is no dictionary."""
    if _YES.search(text) and _NO.search(text):
        reading.matches |= {True, False}
    bare = _BARE.fullmatch(text)
    if bare is not None:
        reading.matches.add(WORDS[bare["match"].lower()])
        value = _SCORE_VALUE.fullmatch(bare["score"])
        if value is not None:
            reading.add_score(value[1], value[2])
    elif reading.matches:
        for of_five in _OF_FIVE.finditer(text):
            reading.add_score(of_five[1])


def _score_of(number: str, of: str | None) -> float | str:
    """The score, or what is wrong with it."""
    if of is not None and float(of) != 5:
        return f"score {number}/{of} is not on a scale to 5"
    score = float(number)
    # A comparison with NaN is false, so NaN ends here too; "-0" is a negative number to the person who wrote it.
    if number.startswith("-") or not 0 <= score <= 5:
        return f"score {number[:40]} is not in 0 to 5"
    return score
