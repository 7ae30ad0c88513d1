"""Scenes, facts, questions and gold captions."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from builders.synthetic import draw_scene, gold_caption, plan_scene, plan_section, scene_facts
from builders.synthetic.facts import KINDS, QUESTIONS_PER_SECTION
from builders.synthetic.scene import Background, Camera, MainObject
from builders.synthetic.vocabulary import COLOURS
from scoring.judges.lexical import LexicalJudge
from scoring.parsing import parse_verdict
from scoring.types import JudgeRequest, Verdict
from vdc.sections import SECTIONS, Section

SCENES = [draw_scene(seed=11, index=index) for index in range(12)]


def test_every_field_of_a_scene_is_a_fact() -> None:
    expected = {field.name for part in (Background, MainObject, Camera) for field in fields(part)}
    assert set(KINDS) == expected


def test_a_scene_depends_on_seed_and_index_only() -> None:
    assert draw_scene(3, 5) == draw_scene(3, 5)
    assert draw_scene(3, 5) != draw_scene(4, 5)
    assert draw_scene(3, 5) != draw_scene(3, 6)


def test_every_fact_has_a_value_of_its_vocabulary() -> None:
    for scene in SCENES:
        for fact in scene_facts(scene).values():
            assert fact.value in fact.kind.values


def test_no_colour_or_count_stands_for_two_facts_of_a_scene() -> None:
    for scene in SCENES:
        facts = scene_facts(scene).values()
        colours = [fact.value for fact in facts if fact.kind.category == "colour"]
        counts = [fact.value for fact in facts if fact.kind.category == "number"]
        assert len(set(colours)) == len(colours) == 23
        assert len(set(counts)) == len(counts) == 4
        assert set(colours) <= set(COLOURS)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_asks_about_nineteen_different_questions(section: Section) -> None:
    for scene in SCENES:
        plan = plan_section(scene, section)
        assert len(plan.questions) in QUESTIONS_PER_SECTION
        assert len({question.question for question in plan.questions}) == len(plan.questions)
        assert [question.index for question in plan.questions] == list(range(len(plan.questions)))
        assert set(plan.asked) == {fact.key for fact in plan.facts}


def test_gold_answers_stand_in_the_gold_caption_and_not_in_their_question() -> None:
    for scene in SCENES:
        for section, plan in plan_scene(scene).items():
            caption = gold_caption(scene, plan).lower()
            for question in plan.questions:
                assert re.search(rf"\b{re.escape(question.gold)}\b", caption), (section, question)
                if len(question.gold) >= 4:
                    assert question.gold not in question.question.lower()


def test_no_gold_answer_is_a_category_word() -> None:
    categories = {kind.category for kind in KINDS.values()}
    assert not {value for kind in KINDS.values() for value in kind.values} & categories


def test_captions_are_worded_differently_for_different_videos() -> None:
    openings = {gold_caption(scene, plan_section(scene, "background")).split()[0] for scene in SCENES}
    assert len(openings) >= 3


@pytest.mark.parametrize(
    ("shift", "lowest", "highest"),
    [pytest.param(0, 0.95, 1.0, id="gold captions"), pytest.param(1, 0.0, 0.25, id="captions of other videos")],
)
@pytest.mark.parametrize("section", SECTIONS)
def test_the_lexical_judge_tells_gold_captions_from_those_of_other_videos(
    section: Section, shift: int, lowest: float, highest: float
) -> None:
    plans = [plan_section(scene, section) for scene in SCENES]
    captions = [gold_caption(scene, plan) for scene, plan in zip(SCENES, plans, strict=True)]
    requests = [
        JudgeRequest(question, captions[(place + shift) % len(SCENES)])
        for place, plan in enumerate(plans)
        for question in plan.questions
    ]
    verdicts = [parse_verdict(reply.raw or "") for reply in LexicalJudge().judge(requests)]
    accuracy = sum(isinstance(verdict, Verdict) and verdict.match for verdict in verdicts) / len(verdicts)
    assert lowest <= accuracy <= highest
