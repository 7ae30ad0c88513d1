"""The offline judge: finds the caption's best sentences by TF-IDF and counts the gold's words in them.

It needs no model, key or network and always says the same. It knows no synonyms and no reasoning, so its numbers
are not comparable with LLM-judged ones; it is there for demos, tests and for checking the pipeline end to end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from scoring.types import JudgeReply, JudgeRequest

NO_ANSWER: Final = "not stated"
"""The answer when no sentence of the caption shares a word with the question."""

SENTENCES_IN_ANSWER: Final = 2
MATCH_SHARE: Final = 0.6
"""Share of the gold's words that must stand in the answer for a match; a gold of two words then needs both."""

_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")

# Function words only: numbers and places ("three", "left", "top"), which general stop lists drop, are answers here.
_FUNCTION_WORDS: Final[frozenset[str]] = frozenset(
    _WORD.findall(
        "a an and are as at be been being but by did do does for from had has have he her his how i in into is it its "
        "of on or she so that the their them then there these they this those to was we were what when where which "
        "who whom whose why will with would you your s"
    )
)
_SUFFIXES = ("ingly", "edly", "ings", "ing", "ies", "ied", "ed", "es", "s", "ly")


def stem(word: str) -> str:
    """A word without its commonest endings, so that "walks", "walking" and "walked" meet. Crude on purpose."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            root = word[: -len(suffix)]
            return root + "y" if suffix in ("ies", "ied") else root.rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word


def content_words(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order; all stems when a text has function words only."""
    words = [word.lower() for word in _WORD.findall(text)]
    kept = [stem(word) for word in words if word not in _FUNCTION_WORDS]
    return kept or [stem(word) for word in words]


class LexicalJudge:
    """See the module's text. Deterministic; a reply depends on its own caption and question alone."""

    kind: Final = "lexical"
    comparable: Final = False

    def describe(self) -> dict[str, Any]:
        """Its name and rule; there is no model."""
        return {
            "kind": self.kind,
            "model": "tf-idf-1",
            "comparable": self.comparable,
            "sentences_in_answer": SENTENCES_IN_ANSWER,
            "match_share": MATCH_SHARE,
        }

    def judge(self, requests: Iterable[JudgeRequest]) -> Iterator[JudgeReply]:
        """One reply per request, in order; requests that share a caption are read together."""
        for caption, group in groupby(requests, key=lambda request: request.caption):
            answer = _caption_reader(caption)
            for request in group:
                text = answer(request.question.question)
                yield JudgeReply(request, answer=text, raw=_match(request.question.gold, text))


def _caption_reader(caption: str) -> Callable[[str], str]:
    """A function from a question to the caption's sentences that are nearest to it by TF-IDF cosine."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    sentences = [sentence.strip() for sentence in _SENTENCE_END.split(caption) if _WORD.search(sentence)]
    if not sentences:
        return lambda _: NO_ANSWER
    vectorizer = TfidfVectorizer(analyzer=content_words)
    matrix = vectorizer.fit_transform(sentences)
    known = vectorizer.vocabulary_

    def answer(question: str) -> str:
        if not any(word in known for word in content_words(question)):
            return NO_ANSWER
        nearness = (matrix @ vectorizer.transform([question]).T).toarray().ravel()
        # Stable order: nearest first, earlier sentence first among equals; then back to the order of the caption.
        best = sorted(range(len(sentences)), key=lambda place: (-nearness[place], place))[:SENTENCES_IN_ANSWER]
        return " ".join(sentences[place] for place in sorted(best) if nearness[place] > 0)

    return answer


def _match(gold: str, answer: str) -> str:
    wanted = set(content_words(gold))
    found = set() if answer == NO_ANSWER else wanted & set(content_words(answer))
    share = len(found) / len(wanted) if wanted else 0.0
    return f"{{'pred': '{'yes' if share >= MATCH_SHARE else 'no'}', 'score': {round(5 * share)}}}"
