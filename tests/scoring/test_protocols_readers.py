"""The published readers never run a judge's text and survive any."""

from __future__ import annotations

import warnings

import pytest

from scoring.protocols.readers import FAILS, LEFT_OUT, Reading, Unreadable, read_literal, read_published

HOSTILE = {
    "a call": "__import__('os').system('true')",
    "an expression": "(lambda: 1)()",
    "a name": "yes",
    "deep lists": "[" * 5_000 + "]" * 5_000,
    "deep lists inside a verdict": "{'pred': 'yes', 'score': " + "[" * 150 + "]" * 150 + "}",
    "a chain of signs": "-" * 9_000 + "1",
    "a chain of sums": "1" + "+1" * 4_000,
    "too long": "'" + "a" * 20_000 + "'",
    "NUL": "{'pred': 'yes',\x00 'score': 4}",
    "a lone surrogate": "{'pred': '\ud800', 'score': 4}",
    "a number of five thousand digits": "{'pred': 'yes', 'score': " + "9" * 5_000 + "}",
    "an unhashable key": "{{}: 1}",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_unreadable_and_harmless(text: str) -> None:
    assert isinstance(read_literal(text), Unreadable)
    [reading] = read_published([text])
    assert reading.official == FAILS
    assert reading.lmms_eval == FAILS
    assert reading.vlmevalkit == LEFT_OUT


# Columns: official, lmms_eval, vlmevalkit.
READINGS = {
    "a list of pairs merges": ("[('pred', 'yes'), ('score', 2)]", Reading("counted", True, 2.0), LEFT_OUT, LEFT_OUT),
    "leading space": ("  {'pred': 'yes', 'score': 2}", *[Reading("counted", True, 2.0)] * 3),
    "a bare number": ("4", FAILS, FAILS, LEFT_OUT),
    "a string that names both fields": ("'pred score'", FAILS, FAILS, LEFT_OUT),
    "a boolean score": ("{'pred': 'yes', 'score': True}", *[Reading("counted", True, 1.0)] * 3),
    "no score at all": ("{'pred': 'yes', 'score': None}", FAILS, FAILS, FAILS),
    "a number as pred": ("{'pred': 1, 'score': 3}", *[Reading("counted", False, 3.0)] * 2, FAILS),
    "a complex score": ("{'pred': 'yes', 'score': 1+2j}", FAILS, FAILS, FAILS),
    "a score too large for a float": ("{'pred': 'yes', 'score': 1" + "0" * 400 + "}", FAILS, FAILS, FAILS),
}


@pytest.mark.parametrize(("text", "official", "lmms_eval", "vlmevalkit"), READINGS.values(), ids=READINGS.keys())
def test_odd_literals_are_read_as_published(
    text: str, official: Reading, lmms_eval: Reading, vlmevalkit: Reading
) -> None:
    [reading] = read_published([text])
    assert (reading.official, reading.lmms_eval, reading.vlmevalkit) == (official, lmms_eval, vlmevalkit)


def test_odd_escapes_in_a_reply_warn_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [reading] = read_published(["{'pred': 'yes', 'score': 3, 'why': '\\d'}"])
    assert reading.official == Reading("counted", True, 3.0)
