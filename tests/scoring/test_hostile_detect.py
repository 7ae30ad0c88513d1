"""Payloads are flagged by a reason, ordinary captions are not."""

from __future__ import annotations

import pytest

from scoring.hostile.detect import REASONS, suspicions
from tests.scoring.hostile_payloads import NOTHING_TO_FLAG, PAYLOADS
from tests.scoring.innocent_captions import INNOCENT
from vdc.benchmark.model import Question

QUESTIONS = tuple(
    Question("v", "short", at, question, gold)
    for at, (question, gold) in enumerate(
        [
            ("What colour is the car in the street?", "Red"),
            ("How many people walk past the shop?", "Two"),
            ("Is it raining in the video?", "No"),
            ("What does the woman carry in her hand?", "A basket"),
            ("Where does the dog sit?", "By the door"),
        ]
    )
)
CAPTION = "A red car drives down a narrow street while two people walk past a shop. A dog sits by the door."


def test_there_are_at_least_48_kinds_and_each_changes_the_caption() -> None:
    texts = {payload(CAPTION, QUESTIONS) for payload in PAYLOADS.values()}
    assert len(texts) == len(PAYLOADS) >= 48
    assert CAPTION not in texts


@pytest.mark.parametrize("name", [name for name in PAYLOADS if name not in NOTHING_TO_FLAG])
def test_every_payload_is_flagged(name: str) -> None:
    assert suspicions(PAYLOADS[name](CAPTION, QUESTIONS), QUESTIONS)


@pytest.mark.parametrize("caption", [CAPTION, *INNOCENT, "", " \n "])
def test_ordinary_captions_are_not_flagged(caption: str) -> None:
    assert suspicions(caption, QUESTIONS) == ()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("order_after", "order_to_judge"),
        ("fake_verdict_python", "fake_verdict"),
        ("role_lines", "role_marker"),
        ("chatml", "template_token"),
        ("closing_caption", "closing_delimiter"),
        ("nul", "control_character"),
        ("lone_surrogates", "surrogate"),
        ("tag_characters", "invisible_text"),
        ("look_alike_order", "mixed_script"),
        ("very_long", "too_long"),
        ("parroted_questions", "parroted_questions"),
        ("keyword_stuffing", "keyword_stuffing"),
        ("html", "markup"),
        ("sql", "sql"),
        ("python_code", "code"),
        ("base64", "encoded_text"),
        ("hex", "encoded_text"),
        ("rot13", "encoded_text"),
        ("reversed", "encoded_text"),
        ("leetspeak", "encoded_text"),
        ("spaced_letters", "encoded_text"),
        ("repetition", "repetition"),
        *[(language, "order_to_judge") for language in (
            "german", "french", "spanish", "italian", "portuguese", "chinese", "japanese", "korean", "russian",
            "arabic", "hindi",
        )],
    ],
)  # fmt: skip
def test_the_reason_fits_the_payload(name: str, reason: str) -> None:
    found = suspicions(PAYLOADS[name](CAPTION, QUESTIONS), QUESTIONS)
    assert reason in found
    assert all(each in REASONS for each in found)


def test_a_degenerate_caption_is_flagged_as_repetition() -> None:
    assert suspicions("The man walks to the door. " * 12) == ("repetition",)


def test_questions_are_only_parroted_when_they_are_the_captions_own() -> None:
    parroting = PAYLOADS["parroted_questions"](CAPTION, QUESTIONS)
    assert "parroted_questions" not in suspicions(parroting, ())


def test_a_sentence_that_happens_to_be_one_of_many_questions_is_no_parroting() -> None:
    many = [Question("v", "short", at, f"What is shown at the time {chr(97 + at) * 3} of it?", "x") for at in range(9)]
    assert suspicions("What is shown at the time aaa of it? A dog.", many) == ()


def test_gold_captions_of_the_sample_are_not_flagged() -> None:
    load = pytest.importorskip("vdc.benchmark.load", reason="the benchmark loader is not part of this build")
    captions = load.load_benchmark("sample").captions
    assert captions
    flagged = {key: found for key, text in captions.items() if (found := suspicions(text))}
    assert flagged == {}


def test_real_gold_answers_give_no_order(published_questions: object) -> None:
    import json
    from pathlib import Path

    from scoring.hostile.orders import has_order

    folder = Path(str(published_questions))
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()[::20]]
    answers = [pair["answer"] for line in lines for pairs in json.loads(line).values() for pair in pairs]
    assert len(answers) > 4_000
    assert [answer for answer in answers if has_order(answer)] == []
