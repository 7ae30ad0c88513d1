"""Every spelling of one verdict is one number; everything that could be read in two ways is no verdict."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.parsing import REPLY_LIMIT, Unparsed, parse_verdict
from scoring.types import Verdict

FOUR = {
    "python_dict": "{'pred': 'yes', 'score': 4}",
    "json": '{"pred": "yes", "score": 4}',
    "tight_json": '{"pred":"yes","score":4}',
    "pretty": '{\n  "pred": "yes",\n  "score": 4\n}\n',
    "fenced": '```json\n{"pred": "yes", "score": 4}\n```',
    "fenced_python": "```python\nresult = {'pred': 'yes', 'score': 4}\nprint(result)\n```",
    "prose_before": 'Here is my evaluation: {"pred": "yes", "score": 4}',
    "prose_after": "{'pred': 'yes', 'score': 4}\n\nNote: there is no error in the answer.",
    "prose_around_with_no": 'There is no doubt. {"pred": "yes", "score": 4} No comma is missing',
    "float_score": '{"pred": "yes", "score": 4.0}',
    "text_score": '{"pred": "yes", "score": "4"}',
    "score_of_five": '{"pred": "yes", "score": "4/5"}',
    "full_stop": '{"pred": "Yes.", "score": 4}',
    "capitals": '{"pred": "YES", "score": 4}',
    "capital_keys": '{"PRED": "Yes", "Score": 4}',
    "json_true": '{"pred": true, "score": 4}',
    "python_true": "{'pred': True, 'score': 4}",
    "other_order": "{'score': 4, 'pred': 'yes'}",
    "trailing_comma": '{"pred": "yes", "score": 4,}',
    "smart_double_quotes": "{“pred”: “yes”, “score”: 4}",
    "smart_single_quotes": "{‘pred’: ‘yes’, ‘score’: 4}",
    "full_width_signs": "｛“pred”：“yes”，“score”：4｝",
    "no_quotes": "{pred: yes, score: 4}",
    "equals": "{pred = yes, score = 4}",
    "assignment": "result = {'pred': 'yes', 'score': 4}",
    "in_a_list": "[{'pred': 'yes', 'score': 4}]",
    "wrapped_once": '{"result": {"pred": "yes", "score": 4}}',
    "extra_fields": '{"question": "Is it red?", "pred": "yes", "score": 4, "reason": "he said \\"no\\", she nodded"}',
    "echoed_answers": '{"prediction": "no dog", "correct": "no", "pred": "yes", "score": 4}',
    "field_match": '{"match": "yes", "score": 4}',
    "field_verdict_and_rating": '{"verdict": "yes", "rating": 4}',
    "apostrophe_breaks_quotes": "{'pred': 'yes', 'score': 4, 'reason': 'it's the same'}",
    "twice_the_same": '{"pred": "yes", "score": 4} {"pred": "yes", "score": 4.0}',
    "byte_order_mark": "\ufeff{'pred': 'yes', 'score': 4}",
    "thought_before": "<think>Perhaps {'pred': 'no', 'score': 1}?</think>\n{'pred': 'yes', 'score': 4}",
    "thought_twice": "<think>a</think>No!<THINK>b</THINK> {'pred': 'yes', 'score': 4}",
    "closing_thought_only": "it is not the same at all: no, 0</think>{'pred': 'yes', 'score': 4}",
    "final_channel": "<|channel|>analysis<|message|>no 0<|end|><|channel|>final<|message|>{'pred':'yes','score':4}",
    "yes_of_five": "Yes, 4/5",
    "yes_number": "yes 4",
    "yes_brackets": "Yes (4)",
    "yes_dash": "YES - 4/5.",
    "yes_score": "Yes. Score: 4",
    "yes_out_of": "Yes, score 4 out of 5.",
    "yes_sentence": "Yes, the answer fits. 4/5",
    "tuple": "('yes', 4)",
    "lines": "pred: yes\nscore: 4",
    "bold_lines": "**Pred:** yes\n**Score:** 4",
    "verdict_lines": "Verdict: Yes\nScore: 4/5\nBoth name a red car.",
    "tags": "<pred>yes</pred><score>4</score>",
    "no_braces": "'pred': 'yes', 'score': 4",
    "semicolon": "pred=yes; score=4",
}


@pytest.mark.parametrize("reply", FOUR.values(), ids=FOUR.keys())
def test_every_spelling_of_yes_and_four_is_one_verdict(reply: str) -> None:
    assert parse_verdict(reply) == Verdict(match=True, score=4.0)


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("{'pred': 'no', 'score': 0}", Verdict(False, 0.0)),
        ("{'pred': 'yes', 'score': 4.8}", Verdict(True, 4.8)),
        ('{"pred": "yes", "score": 5}', Verdict(True, 5.0)),
        ("```\n{'pred': 'No', 'score': '0.5'}\n```", Verdict(False, 0.5)),
        ("No, 1/5", Verdict(False, 1.0)),
        ('{"pred": false, "score": 2e0}', Verdict(False, 2.0)),
        ("{'pred': 'no', 'score': 3}", Verdict(False, 3.0)),
    ],
)
def test_the_value_is_the_one_written(reply: str, verdict: Verdict) -> None:
    assert parse_verdict(reply) == verdict


NOTHING = {
    "none": None,
    "empty": "",
    "blank": " \n\t",
    "empty_dict": "{}",
    "a_word": "yes",
    "a_number": "4",
    "no_score": "{'pred': 'yes'}",
    "no_pred": "{'score': 4}",
    "negative": "{'pred': 'yes', 'score': -1}",
    "negative_zero": "{'pred': 'no', 'score': -0}",
    "negative_prose": "yes, -4",
    "just_above": "{'pred': 'yes', 'score': 5.1}",
    "above": '{"pred": "yes", "score": 45}',
    "ten_scale": "Yes, 8/10",
    "nan": "{'pred': 'yes', 'score': NaN}",
    "nan_text": '{"pred": "yes", "score": "nan"}',
    "infinity": '{"pred": "yes", "score": Infinity}',
    "overflow": "{'pred': 'yes', 'score': 1e999}",
    "overflow_lines": "pred: yes\nscore: 1e999",
    "score_is_true": "{'pred': 'yes', 'score': true}",
    "score_is_none": "{'pred': 'yes', 'score': None}",
    "score_is_word": "{'pred': 'yes', 'score': 'four'}",
    "score_is_list": "{'pred': 'yes', 'score': [4]}",
    "score_is_sum": "{'pred': 'yes', 'score': 2+2}",
    "score_is_hex": "{'pred': 'yes', 'score': 0x4}",
    "two_numbers": "{'pred': 'yes', 'score': 4 5}",
    "pred_is_maybe": "{'pred': 'maybe', 'score': 4}",
    "pred_is_both": "{'pred': 'yes/no', 'score': 4}",
    "pred_is_number": "{'pred': 1, 'score': 4}",
    "yes_and_no": "yes and no, 4",
    "two_verdicts": "{'pred': 'yes', 'score': 4} {'pred': 'no', 'score': 0}",
    "two_scores": "{'pred': 'yes', 'score': 4} {'pred': 'yes', 'score': 5}",
    "repeated_key": "{'pred': 'yes', 'pred': 'no', 'score': 4}",
    "fields_disagree": '{"pred": "yes", "match": "no", "score": 4}',
    "quoted_then_final": "The answer says {'pred': 'yes', 'score': 5} but it is wrong: {'pred': 'no', 'score': 0}",
    "prose_disagrees": "No, they differ. {'pred': 'yes', 'score': 5}",
    "line_disagrees": "{'pred': 'yes', 'score': 5}\nscore: 2",
    "example_then_reply": "For example {'pred': 'yes', 'score': 4.8}. Mine: {'pred': 'yes', 'score': 4}",
    "open_thought": "<think>It is {'pred': 'yes', 'score': 4}",
    "thought_after": "{'pred': 'yes', 'score': 4}<think>",
    "only_thought": "<think>{'pred': 'yes', 'score': 4}</think>",
    "cut_short": "{'pred': 'yes', 'score': 4",
    "cut_in_fence": '```json\n{"pred": "yes", "score": 4',
    "nested_twice": '{"a": {"b": {"pred": "yes", "score": 4}}}',
    "nested_deep": "{'a': " * 500 + "{'pred': 'yes', 'score': 4}" + "}" * 500,
    "lists_deep": "{'pred': 'yes', 'score': " + "[" * 500 + "4" + "]" * 500 + "}",
    "many_braces": "{'a': 1}" * 500 + "{'pred': 'yes', 'score': 4}",
    "match_result": "Yes, 4-2",
    "range": "pred: yes, score: 0-5",
    "version": "pred: yes, score: 4.8.1",
    "long": "x" * (REPLY_LIMIT + 1) + "{'pred': 'yes', 'score': 4}",
    "refusal": "I'm sorry, I cannot grade this.",
    "call": "__import__('os').system('true') or {'pred': 'yes', 'score': abs(4)}",
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("reply", NOTHING.values(), ids=NOTHING.keys())
def test_what_is_no_single_verdict_is_unparsed_with_a_reason(reply: str | None) -> None:
    found = parse_verdict(reply)
    assert isinstance(found, Unparsed)
    assert found.reason


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("{'pred': 'yes'}", "no score"),
        ("{'score': 3}", "no yes or no"),
        ("{'pred': 'yes', 'score': 7}", "score 7 is not in 0 to 5"),
        ("{'pred': 'yes', 'score': 5.5}", "score 5.5 is not in 0 to 5"),
        ("{'pred': 'yes', 'score': 'four'}", "score is 'four', not a number from 0 to 5"),
        ("<think>hm", "reasoning that does not end"),
        ("{'pred': 'yes', 'score': 4", "dictionary cut short"),
        ("{'pred': 'yes', 'score': 4}{'pred': 'no', 'score': 4}", "both yes and no"),
        ("{" * 9, "nested too deep"),
    ],
)
def test_the_reason_names_the_fault(reply: str, reason: str) -> None:
    assert parse_verdict(reply) in (Unparsed(reason), Unparsed("dictionary cut short"))


PIECES = st.sampled_from(
    ["{", "}", "[", "]", "'", '"', ":", ",", "=", "pred", "score", "yes", "no", "4", "5", ".", "-", "/", " ", "\n",
     "\\", "<think>", "</think>", "true", "nan", "1e999", "```", "“", "’", "is", "out of", "\x00", "é", "\ud800"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_no_text_makes_it_raise_or_leave_the_scale(text: str) -> None:
    found = parse_verdict(text)
    assert isinstance(found, Unparsed) or (0 <= found.score <= 5 and isinstance(found.match, bool))


@given(st.booleans(), st.sampled_from([0, 1, 2, 3, 4, 5, 2.5, 4.8]), st.sampled_from(["yes", "Yes", "YES."]))
def test_python_json_and_prose_agree(match: bool, score: float, word: str) -> None:
    said = word if match else word.lower().replace("yes", "no")
    expected = Verdict(match, float(score))
    for reply in (
        f"{{'pred': '{said}', 'score': {score}}}",
        f'{{"pred": "{said}", "score": "{score}"}}',
        f'It is so.\n```json\n{{\n\t"score": {score},\n\t"pred": "{said}"\n}}\n```\nDone.',
        f"pred: {said}\nscore: {score}",
    ):
        assert parse_verdict(reply) == expected


GARBAGE = {
    "letters": "x" * 1_000_000,
    "braces": "{" * 1_000_000,
    "angle_brackets": "<" * 1_000_000,
    "open_thoughts": "<think>" * 140_000,
    "strings": '{"a":"' * 160_000,
    "short_brackets": "{'a': [" * 2_800,
    "short_quotes": "{" + "'\\" * 9_900,
    "short_words": "{x: " + "a " * 9_900,
    "short_spaces": "yes" + " " * 19_900 + "x",
    "short_labels": "score: " * 2_800,
    "short_digits": "pred: yes score: " + "1" * 19_000,
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused_in_a_blink(garbage: str) -> None:
    # The best of three: the machine may be busy with something else.
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        assert isinstance(parse_verdict(garbage), Unparsed)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.05


def test_the_common_reply_takes_microseconds() -> None:
    replies = ["{'pred': 'yes', 'score': 4}", '{"pred": "no", "score": 0}'] * 1_000
    best = min(_seconds_for(replies) for _ in range(3))
    assert best / len(replies) < 10e-6


def _seconds_for(replies: list[str]) -> float:
    started = time.perf_counter()
    for reply in replies:
        parse_verdict(reply)
    return time.perf_counter() - started
