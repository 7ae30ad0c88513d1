from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from vdc.benchmark.load import load_benchmark
from vdc.benchmark.model import Benchmark
from vdc.benchmark.sample import sample_path
from vdc.errors import InputError
from vdc.sections import SECTIONS

FILLERS = {"a", "an", "the", "of", "to", "in", "on", "at", "with", "is", "by"}
TARGET_WORDS = {"short": 25, "background": 60, "main_object": 70, "camera": 60, "detailed": 130}


def content_words(text: str) -> list[str]:
    return [word for word in re.findall(r"[\w:'-]+", text.lower()) if word not in FILLERS]


def has_answer(caption: str, gold: str) -> bool:
    return " ".join(content_words(gold)) in " ".join(content_words(caption))


@pytest.fixture(scope="module")
def sample() -> Benchmark:
    return load_benchmark("sample")


def captions_of(name: str) -> dict[tuple[str, str], str]:
    rows = [json.loads(line) for line in sample_path(name).read_text(encoding="utf-8").splitlines()]
    return {(row["video_id"], row["section"]): row["caption"] for row in rows}


def test_sample_is_the_default_and_is_whole(sample: Benchmark) -> None:
    assert load_benchmark().questions == sample.questions
    assert (sample.name, sample.source) == ("sample", "sample")
    assert len(sample.videos) == 14
    assert sample.sections == SECTIONS
    assert sample.question_count == 530
    assert not sample.duplicate_ids
    assert not sample.missing_ids
    assert set(sample.captions) == set(sample.questions)


def test_every_video_has_six_to_nine_questions_per_section(sample: Benchmark) -> None:
    assert {len(row) for row in sample.questions.values()} <= {6, 7, 8, 9}


def test_every_gold_answer_stands_in_its_gold_caption_and_not_in_its_question(sample: Benchmark) -> None:
    questions = [(sample.captions[key], question) for key, row in sample.questions.items() for question in row]
    unsupported = [question for caption, question in questions if not has_answer(caption, question.gold)]
    given_away = [question for _, question in questions if has_answer(question.question, question.gold)]
    assert unsupported == []
    assert given_away == []


def test_questions_of_a_video_differ_and_have_a_category(sample: Benchmark) -> None:
    for row in sample.questions.values():
        assert len({question.question for question in row}) == len(row)
        assert all(question.category and question.question.endswith("?") and question.gold for question in row)


@pytest.mark.parametrize("section", SECTIONS)
def test_gold_captions_have_the_length_of_their_section(sample: Benchmark, section: str) -> None:
    lengths = [len(text.split()) for key, text in sample.captions.items() if key[1] == section]
    assert sum(lengths) / len(lengths) == pytest.approx(TARGET_WORDS[section], rel=0.2)


def test_line_order_differs_between_section_files() -> None:
    folder = sample_path() / "VDCScore_qa"
    orders = [
        [next(iter(json.loads(line))) for line in (folder / f"{section}.jsonl").read_text().splitlines()]
        for section in SECTIONS
    ]
    assert len({tuple(order) for order in orders}) == len(SECTIONS)
    assert len({frozenset(order) for order in orders}) == 1


@pytest.mark.parametrize(("name", "low", "high"), [("strong", 0.7, 0.9), ("weak", 0.15, 0.4)])
def test_predictions_keep_the_stated_share_of_facts(sample: Benchmark, name: str, low: float, high: float) -> None:
    captions = captions_of(name)
    kept = Counter[bool]()
    for key, row in sample.questions.items():
        words = set(content_words(captions.get(key, "")))
        kept.update(set(content_words(question.gold)) <= words for question in row)
    assert low < kept[True] / kept.total() < high


def test_strong_predictions_are_complete_and_weak_ones_lack_one_and_leave_one_empty(sample: Benchmark) -> None:
    strong, weak = captions_of("strong"), captions_of("weak")
    assert set(strong) == set(sample.questions)
    assert all(strong.values())
    assert set(sample.questions) - set(weak) == {("sample-viaduct-10", "camera")}
    assert [key for key, caption in weak.items() if not caption] == [("sample-screen-07", "short")]


def test_no_prediction_repeats_a_gold_caption(sample: Benchmark) -> None:
    for name in ("strong", "weak"):
        predicted = captions_of(name)
        assert not [key for key, caption in sample.captions.items() if predicted.get(key) == caption]


def test_unknown_sample_file_lists_the_valid_names() -> None:
    with pytest.raises(InputError, match="one of benchmark, strong, weak"):
        sample_path("stong")
