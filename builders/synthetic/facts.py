"""From a scene to what can be said and asked about it: facts, questions with gold answers, gold captions."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import builders.synthetic.vocabulary as words
from builders.synthetic.scene import Scene
from builders.synthetic.wording import QUESTIONS, STATEMENTS
from builders.synthetic.wording.frame import fill, frame_keys
from vdc.benchmark.model import Question
from vdc.sections import SECTIONS, Section

Part = Literal["background", "main_object", "camera"]

QUESTIONS_PER_SECTION: Final = (18, 19, 20)
"""How many questions a section can have; one is drawn per video and section."""

WORDINGS: Final = 3
"""Ways to ask for each fact."""


@dataclass(frozen=True, slots=True)
class FactKind:
    """A property every scene has.

    Args:
        part: The scene's part that holds it.
        category: Label of its questions.
        values: Everything it could have been.
    """

    part: Part
    category: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A property of one scene.

    Args:
        key: Field of the scene's part, key of ``KINDS``.
        value: The gold phrase; stands word for word in the gold caption of each section that states the fact.
        kind: What is known of it for every scene.
    """

    key: str
    value: str
    kind: FactKind


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """What one section of one video states and asks.

    Args:
        video_id: The video.
        section: The section.
        facts: The facts its gold caption states, in no particular order.
        questions: Its questions, in the order of the file.
        asked: Key of the fact each question asks for, parallel to ``questions``.
    """

    video_id: str
    section: Section
    facts: tuple[Fact, ...]
    questions: tuple[Question, ...]
    asked: tuple[str, ...]


def _kinds() -> dict[str, FactKind]:
    colours = tuple(words.COLOURS)
    counts = tuple(words.COUNTS)
    singular, plural = tuple(words.SHAPES), tuple(words.SHAPES.values())
    table: tuple[tuple[Part, str, str, Collection[str]], ...] = (
        ("background", "ground_colour", "colour", colours),
        ("background", "ground_pattern", "texture", words.GROUND_PATTERNS),
        ("background", "path_colour", "colour", colours),
        ("background", "path_kind", "object", words.PATHS),
        ("background", "sky_colour", "colour", colours),
        ("background", "horizon_colour", "colour", colours),
        ("background", "time_of_day", "time", words.TIMES_OF_DAY),
        ("background", "ridge_colour", "colour", colours),
        ("background", "ridge_shape", "shape", words.RIDGES),
        ("background", "landmark_count", "number", counts),
        ("background", "landmark_colour", "colour", colours),
        ("background", "landmark_kind", "object", words.LANDMARKS),
        ("background", "celestial_colour", "colour", colours),
        ("background", "celestial_kind", "object", words.CELESTIALS),
        ("background", "celestial_position", "location", words.CELESTIAL_POSITIONS),
        ("background", "cloud_count", "number", counts),
        ("background", "cloud_colour", "colour", colours),
        ("background", "cloud_style", "shape", words.CLOUD_STYLES),
        ("background", "weather_kind", "weather", words.WEATHERS),
        ("background", "weather_direction", "direction", words.WEATHER_DIRECTIONS),
        ("background", "weather_density", "weather", words.WEATHER_DENSITIES),
        ("background", "lighting", "lighting", words.LIGHTINGS),
        ("background", "flag_colour", "colour", colours),
        ("background", "flag_symbol", "shape", singular),
        ("background", "litter_count", "number", counts),
        ("background", "litter_colour", "colour", colours),
        ("background", "litter_kind", "object", words.LITTERS),
        ("main_object", "main_size", "size", words.SIZES),
        ("main_object", "main_colour", "colour", colours),
        ("main_object", "main_shape", "shape", singular),
        ("main_object", "fill_texture", "texture", words.FILLS),
        ("main_object", "fill_colour", "colour", colours),
        ("main_object", "outline_colour", "colour", colours),
        ("main_object", "emblem_colour", "colour", colours),
        ("main_object", "emblem_shape", "shape", singular),
        ("main_object", "motion", "action", words.MOTIONS),
        ("main_object", "start_position", "location", words.POSITIONS),
        ("main_object", "end_position", "location", words.POSITIONS),
        ("main_object", "main_pace", "speed", words.PACES),
        ("main_object", "spin", "action", words.SPINS),
        ("main_object", "scaling", "action", words.SCALINGS),
        ("main_object", "turned_colour", "colour", colours),
        ("main_object", "trail_colour", "colour", colours),
        ("main_object", "trail_kind", "object", words.TRAILS),
        ("main_object", "companion_count", "number", counts),
        ("main_object", "companion_colour", "colour", colours),
        ("main_object", "companion_shape", "shape", plural),
        ("main_object", "interaction", "action", words.INTERACTIONS),
        ("camera", "open_colour", "colour", colours),
        ("camera", "close_colour", "colour", colours),
        ("camera", "border_colour", "colour", colours),
        ("camera", "bar_colour", "colour", colours),
        ("camera", "overlay_colour", "colour", colours),
        ("camera", "overlay_kind", "object", words.OVERLAYS),
        ("camera", "overlay_corner", "location", words.CORNERS),
        ("camera", "first_framing", "framing", words.FRAMINGS),
        ("camera", "first_move", "camera movement", words.MOVES),
        ("camera", "first_pace", "speed", words.MOVE_PACES),
        ("camera", "transition_colour", "colour", colours),
        ("camera", "transition", "editing", words.TRANSITIONS),
        ("camera", "cut_moment", "time", words.CUT_MOMENTS),
        ("camera", "second_framing", "framing", words.FRAMINGS),
        ("camera", "second_move", "camera movement", words.MOVES),
        ("camera", "second_pace", "speed", words.MOVE_PACES),
        ("camera", "stability", "camera movement", words.STABILITIES),
        ("camera", "focus", "focus", words.FOCUSES),
        ("camera", "filter", "effect", words.FILTERS),
        ("camera", "playback", "effect", words.PLAYBACKS),
    )
    return {key: FactKind(part, category, tuple(values)) for part, key, category, values in table}


KINDS: Final[Mapping[str, FactKind]] = _kinds()
"""Fact key -> its kind; one entry per field of the scene's parts."""

_DETAILED_SHARES: Final[Mapping[Part, int]] = {"main_object": 7, "background": 7, "camera": 5}
_SHORT_FACTS: Final = 10


def scene_facts(scene: Scene) -> dict[str, Fact]:
    """Every fact of a scene, by key."""
    return {key: Fact(key, getattr(getattr(scene, kind.part), key), kind) for key, kind in KINDS.items()}


def plan_section(scene: Scene, section: Section) -> SectionPlan:
    """The facts, questions and gold answers of one section; the same at every call.

    ``background``, ``main_object`` and ``camera`` ask once for each of their facts, ``detailed`` for facts of all
    three, ``short`` twice, in two wordings, for each of its few facts.
    """
    source = random.Random(f"plan/{scene.seed}/{scene.index}/{section}")
    count = source.choice(QUESTIONS_PER_SECTION)
    keys = _choose_keys(source, section, count)
    wordings = {key: source.sample(range(WORDINGS), 2) for key in keys}
    # All facts in their first wording, then some in a second, where there are more questions than facts.
    asked = [(key, wordings[key][way]) for way in (0, 1) for key in keys][:count]
    source.shuffle(asked)
    everything = scene_facts(scene)
    questions = tuple(
        Question(
            video_id=scene.video_id,
            section=section,
            index=index,
            question=QUESTIONS[section][key][wording],
            gold=everything[key].value,
            category=everything[key].kind.category,
        )
        for index, (key, wording) in enumerate(asked)
    )
    facts = tuple(everything[key] for key in keys)
    return SectionPlan(scene.video_id, section, facts, questions, tuple(key for key, _ in asked))


def plan_scene(scene: Scene) -> dict[Section, SectionPlan]:
    """:func:`plan_section` for all five sections."""
    return {section: plan_section(scene, section) for section in SECTIONS}


def state(section: Section, values: Mapping[str, str], source: random.Random) -> str:
    """A caption of this section that states exactly these values.

    Args:
        section: Whose sentences to use.
        values: Fact key -> word to state, right or wrong.
        source: Decides among the ways to say each sentence; the same number of draws whatever is stated.

    Returns:
        Sentences joined by a space; empty when nothing is stated.
    """
    frames = [source.choice(ways) for ways in STATEMENTS[section]]
    return " ".join(filter(None, (fill(frame, values) for frame in frames)))


def gold_caption(scene: Scene, plan: SectionPlan) -> str:
    """The caption that states every fact of the plan."""
    source = random.Random(f"gold/{scene.seed}/{scene.index}/{plan.section}")
    return state(plan.section, {fact.key: fact.value for fact in plan.facts}, source)


def _choose_keys(source: random.Random, section: Section, count: int) -> list[str]:
    pool = _stated_keys(section)
    if section == "short":
        return source.sample(pool, _SHORT_FACTS)
    if section != "detailed":
        return source.sample(pool, count)
    # Later sentences call the main object "it", so its own sentence is always there.
    keys = ["main_shape"]
    for part, share in _DETAILED_SHARES.items():
        keys += source.sample([key for key in pool if KINDS[key].part == part and key not in keys], share)
    return keys[:count]


@cache
def _stated_keys(section: Section) -> Sequence[str]:
    return tuple(key for ways in STATEMENTS[section] for key in frame_keys(ways[0]))
