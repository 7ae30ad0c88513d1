"""What one synthetic video shows, as plain values; drawn from a seed, never from global state."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import builders.synthetic.vocabulary as words


@dataclass(frozen=True, slots=True)
class Background:
    """Everything behind the main object. Each field is a value of the vocabulary that its facts name."""

    ground_colour: str
    ground_pattern: str
    path_colour: str
    path_kind: str
    sky_colour: str
    horizon_colour: str
    time_of_day: str
    ridge_colour: str
    ridge_shape: str
    landmark_count: str
    landmark_colour: str
    landmark_kind: str
    celestial_colour: str
    celestial_kind: str
    celestial_position: str
    cloud_count: str
    cloud_colour: str
    cloud_style: str
    weather_kind: str
    weather_direction: str
    weather_density: str
    lighting: str
    flag_colour: str
    flag_symbol: str
    litter_count: str
    litter_colour: str
    litter_kind: str


@dataclass(frozen=True, slots=True)
class MainObject:
    """The main object, what happens to it, and its companions (their shape in the plural)."""

    main_size: str
    main_colour: str
    main_shape: str
    fill_texture: str
    fill_colour: str
    outline_colour: str
    emblem_colour: str
    emblem_shape: str
    motion: str
    start_position: str
    end_position: str
    main_pace: str
    spin: str
    scaling: str
    turned_colour: str
    trail_colour: str
    trail_kind: str
    companion_count: str
    companion_colour: str
    companion_shape: str
    interaction: str


@dataclass(frozen=True, slots=True)
class Camera:
    """Two shots, what joins them, and what lies over the picture."""

    open_colour: str
    close_colour: str
    border_colour: str
    bar_colour: str
    overlay_colour: str
    overlay_kind: str
    overlay_corner: str
    first_framing: str
    first_move: str
    first_pace: str
    transition_colour: str
    transition: str
    cut_moment: str
    second_framing: str
    second_move: str
    second_pace: str
    stability: str
    focus: str
    filter: str
    playback: str


@dataclass(frozen=True, slots=True)
class Scene:
    """One video.

    Args:
        video_id: ``synthetic-SEED-INDEX``.
        seed: Seed of the whole benchmark.
        index: Position in it, from 0. A scene depends on seed and index only, so a longer benchmark begins with the
            videos of a shorter one.
        background, main_object, camera: What is to be seen.
    """

    video_id: str
    seed: int
    index: int
    background: Background
    main_object: MainObject
    camera: Camera


def draw_scene(seed: int, index: int) -> Scene:
    """The scene number ``index`` of the benchmark with this seed.

    No colour, shape, count, position or camera move is used for two facts of one scene: a caption can then be right
    about a fact only by stating that fact.
    """
    source = random.Random(f"scene/{seed}/{index}")
    colours = _draw_colours(source)
    shapes = source.sample(sorted(words.SHAPES), 4)
    counts = source.sample(sorted(words.COUNTS), 4)
    start, end = source.sample(sorted(words.POSITIONS), 2)
    first_move, second_move = source.sample(words.MOVES, 2)
    first_pace, second_pace = source.sample(sorted(words.MOVE_PACES), 2)
    # One of the two shots is wide enough to hold the whole background, or its counts could not be checked by eye.
    framings = [source.choice(("panoramic", "wide", "medium"))]
    framings.append(source.choice([name for name in words.FRAMINGS if name not in framings]))
    source.shuffle(framings)

    def pick(values: Sequence[str]) -> str:
        return source.choice(values)

    background = Background(
        ground_colour=colours.pop(),
        ground_pattern=pick(words.GROUND_PATTERNS),
        path_colour=colours.pop(),
        path_kind=pick(words.PATHS),
        sky_colour=colours.pop(),
        horizon_colour=colours.pop(),
        time_of_day=pick(sorted(words.TIMES_OF_DAY)),
        ridge_colour=colours.pop(),
        ridge_shape=pick(words.RIDGES),
        landmark_count=counts[0],
        landmark_colour=colours.pop(),
        landmark_kind=pick(words.LANDMARKS),
        celestial_colour=colours.pop(),
        celestial_kind=pick(words.CELESTIALS),
        celestial_position=pick(sorted(words.CELESTIAL_POSITIONS)),
        cloud_count=counts[1],
        cloud_colour=colours.pop(),
        cloud_style=pick(words.CLOUD_STYLES),
        weather_kind=pick(words.WEATHERS),
        weather_direction=pick(words.WEATHER_DIRECTIONS),
        weather_density=pick(sorted(words.WEATHER_DENSITIES)),
        lighting=pick(words.LIGHTINGS),
        flag_colour=colours.pop(),
        flag_symbol=shapes[0],
        litter_count=counts[2],
        litter_colour=colours.pop(),
        litter_kind=pick(words.LITTERS),
    )
    main_object = MainObject(
        main_size=pick(sorted(words.SIZES)),
        main_colour=colours.pop(),
        main_shape=shapes[1],
        fill_texture=pick(words.FILLS),
        fill_colour=colours.pop(),
        outline_colour=colours.pop(),
        emblem_colour=colours.pop(),
        emblem_shape=shapes[2],
        motion=pick(words.MOTIONS),
        start_position=start,
        end_position=end,
        main_pace=pick(words.PACES),
        spin=pick(words.SPINS),
        scaling=pick(words.SCALINGS),
        turned_colour=colours.pop(),
        trail_colour=colours.pop(),
        trail_kind=pick(words.TRAILS),
        companion_count=counts[3],
        companion_colour=colours.pop(),
        companion_shape=words.SHAPES[shapes[3]],
        interaction=pick(words.INTERACTIONS),
    )
    camera = Camera(
        open_colour=colours.pop(),
        close_colour=colours.pop(),
        border_colour=colours.pop(),
        bar_colour=colours.pop(),
        overlay_colour=colours.pop(),
        overlay_kind=pick(words.OVERLAYS),
        overlay_corner=pick(words.CORNERS),
        first_framing=framings[0],
        first_move=first_move,
        first_pace=first_pace,
        transition_colour=colours.pop(),
        transition=pick(words.TRANSITIONS),
        cut_moment=pick(sorted(words.CUT_MOMENTS)),
        second_framing=framings[1],
        second_move=second_move,
        second_pace=second_pace,
        stability=pick(words.STABILITIES),
        focus=pick(words.FOCUSES),
        filter=pick(words.FILTERS),
        playback=pick(words.PLAYBACKS),
    )
    return Scene(f"synthetic-{seed}-{index:05d}", seed, index, background, main_object, camera)


def _draw_colours(source: random.Random) -> list[str]:
    """All colours in random order, to be popped from the end, with the pairs that touch each other told apart.

    Popped: 10 for the background (ground first, ridge and landmarks fifth and sixth), 7 for the main object, 6 for the
    camera; the others stay unused and serve as wrong values.
    """
    touching = ((0, 1), (0, 9), (0, 10), (2, 6), (2, 7), (4, 5), (10, 11), (10, 12), (10, 13), (10, 14))
    while True:
        order = source.sample(sorted(words.COLOURS), len(words.COLOURS))
        if all(_distance(order[left], order[right]) > 90 for left, right in touching):
            return order[::-1]


def _distance(left: str, right: str) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(words.COLOURS[left], words.COLOURS[right], strict=True)) ** 0.5)
