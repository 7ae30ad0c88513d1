"""Pixels: what the scene says is what the frames show."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from builders.synthetic import VideoSettings, draw_scene, render
from builders.synthetic import vocabulary as words
from builders.synthetic.actors import draw_main, place_of
from builders.synthetic.backdrop import paint_backdrop
from builders.synthetic.camera import View, look, sample
from builders.synthetic.lens import join
from builders.synthetic.scene import Scene
from builders.synthetic.shapes import Image, colour, coverage, draw
from vdc.errors import InputError

SMALL = VideoSettings(size=64, seconds=1.0, fps=8)
SCENE = draw_scene(seed=2, index=0)


def frames_of(scene: Scene, settings: VideoSettings = SMALL) -> list[np.ndarray]:
    return list(render(scene, settings))


def test_a_video_has_the_stated_number_and_form_of_frames() -> None:
    frames = frames_of(SCENE)
    assert len(frames) == 8
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((64, 64, 3), "uint8")}


def test_the_same_scene_gives_the_same_frames() -> None:
    assert all(np.array_equal(one, two) for one, two in zip(frames_of(SCENE), frames_of(SCENE), strict=True))


def test_the_first_frame_is_the_opening_colour_and_the_last_the_closing_one() -> None:
    frames = frames_of(SCENE)
    assert np.array_equal(frames[0][32, 32], words.COLOURS[SCENE.camera.open_colour])
    assert np.array_equal(frames[-1][32, 32], words.COLOURS[SCENE.camera.close_colour])


def test_the_border_has_its_colour() -> None:
    middle = frames_of(SCENE)[4]
    assert np.array_equal(middle[0, 10], words.COLOURS[SCENE.camera.border_colour])
    assert np.array_equal(middle[30, -1], words.COLOURS[SCENE.camera.border_colour])


@pytest.mark.parametrize("shape", [name for name in words.SHAPES if name not in ("crescent", "ring")])
def test_a_shape_covers_its_centre_and_stays_inside_its_radius(shape: str) -> None:
    place = np.arange(-40, 41, dtype=np.float32)
    cover = coverage(shape, place[None, :], place[:, None], 30)
    assert cover[40, 40] == 1
    assert cover[np.hypot(place[None, :], place[:, None]) > 31].max() == 0
    assert 0.25 * math.pi * 900 < cover.sum() <= 1.01 * math.pi * 900


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("disc", math.pi),
        ("square", 2.0),
        ("hexagon", 1.5 * math.sqrt(3)),
        ("triangle", 0.75 * math.sqrt(3)),
        ("ring", math.pi * (1 - 0.55**2)),
        ("rhombus", 2 * 0.62),
        ("oval", math.pi * 0.55),
    ],
)
def test_a_shape_has_the_area_geometry_says(shape: str, area: float) -> None:
    place = np.arange(-60, 61, dtype=np.float32)
    cover = coverage(shape, place[None, :], place[:, None], 50)
    assert float(cover.sum()) / 2500 == pytest.approx(area, rel=0.02)


def test_shapes_turn_clockwise() -> None:
    place = np.arange(-20, 21, dtype=np.float32)
    pointing_right = coverage("arrow", place[None, :], place[:, None], 18)
    pointing_down = coverage("arrow", place[None, :], place[:, None], 18, math.pi / 2)
    assert pointing_right[20, 36] == 1 and pointing_right[36, 20] == 0
    assert pointing_down[36, 20] == 1 and pointing_down[20, 36] == 0


@pytest.mark.parametrize("place", [(-50.0, 5.0), (5.0, 500.0)], ids=["left of it", "below it"])
def test_drawing_outside_the_frame_changes_nothing(place: tuple[float, float]) -> None:
    frame = np.zeros((20, 20, 3), np.float32)
    draw(frame, "disc", *place, 8.0, colour("crimson"))
    assert not frame.any()


@pytest.mark.parametrize("motion", words.MOTIONS)
@pytest.mark.parametrize("pace", words.PACES)
def test_every_motion_leads_from_start_to_goal(motion: str, pace: str) -> None:
    main = replace(SCENE.main_object, motion=motion, main_pace=pace)
    assert place_of(main, 0.0) == pytest.approx(words.POSITIONS[main.start_position], abs=1e-6)
    assert place_of(main, 1.0) == pytest.approx(words.POSITIONS[main.end_position], abs=1e-6)


@pytest.mark.parametrize("index", range(4))
def test_the_main_object_has_its_colour_at_its_place(index: int) -> None:
    scene = draw_scene(8, index)
    main = replace(scene.main_object, main_shape="disc", main_size="huge", interaction="flee")
    frame: Image = np.zeros((200, 200, 3), np.float32)
    view = View(0.5, 0.5, 1.0, 0.0, 200)
    draw_main(frame, replace(scene, main_object=main), view, 0.0)
    x, y = (round(200 * share) for share in words.POSITIONS[main.start_position])
    # Between the emblem and the edge of its plain patch.
    around = frame[y - 18 : y + 19, x - 18 : x + 19].reshape(-1, 3)
    near = np.abs(around - colour(main.main_colour)).max(axis=1) < 3
    assert near.mean() > 0.1


def test_count_of_landmarks_can_be_counted_in_the_picture() -> None:
    background = replace(
        SCENE.background,
        landmark_count="five",
        landmark_kind="obelisks",
        landmark_colour="magenta",
        ridge_shape="flattened",
        ridge_colour="ebony",
        time_of_day="morning",
        flag_colour="ivory",
    )
    canvas = paint_backdrop(replace(SCENE, background=background), 224)
    frame = sample(canvas, View(0.5, 0.5, 1.0, 0.0, 224))
    row = frame[round(0.44 * 224)]
    is_landmark = (row[:, 0] > 150) & (row[:, 1] < 90)
    assert int(np.diff(is_landmark.astype(int)).clip(0).sum()) == 5


def test_ground_and_sky_have_their_colours() -> None:
    background = replace(SCENE.background, time_of_day="morning", ground_pattern="planks")
    canvas = paint_backdrop(replace(SCENE, background=background), 128)
    x, y = (round(value) for value in canvas.place(0.5, -0.2))
    sky = colour(background.sky_colour) * np.array(words.TIMES_OF_DAY["morning"], np.float32)
    assert np.allclose(canvas.pixels[y, x], sky, atol=2)
    _, y = (round(value) for value in canvas.place(0.5, 1.2))
    ground = colour(background.ground_colour) * np.array(words.TIMES_OF_DAY["morning"], np.float32)
    band = canvas.pixels[y : y + 30].reshape(-1, 3)
    assert (np.abs(band - ground).max(axis=1) < 2).mean() > 0.5


@pytest.mark.parametrize("name", ["ground_pattern", "path_kind", "ridge_shape", "landmark_kind", "celestial_kind"])
def test_every_value_of_the_backdrop_is_painted_differently(name: str) -> None:
    values = {
        "ground_pattern": words.GROUND_PATTERNS,
        "path_kind": words.PATHS,
        "ridge_shape": words.RIDGES,
        "landmark_kind": words.LANDMARKS,
        "celestial_kind": words.CELESTIALS,
    }[name]
    painted = {
        paint_backdrop(replace(SCENE, background=replace(SCENE.background, **{name: value})), 64).pixels.tobytes()
        for value in values
    }
    assert len(painted) == len(values)


@pytest.mark.parametrize(
    ("part", "name", "values"),
    [
        ("main_object", "fill_texture", words.FILLS),
        ("main_object", "trail_kind", words.TRAILS),
        ("main_object", "interaction", words.INTERACTIONS),
        ("main_object", "spin", words.SPINS),
        ("main_object", "scaling", words.SCALINGS),
        ("background", "weather_kind", words.WEATHERS),
        ("background", "weather_direction", words.WEATHER_DIRECTIONS),
        ("background", "cloud_style", words.CLOUD_STYLES),
        ("background", "lighting", words.LIGHTINGS),
        ("camera", "first_move", words.MOVES),
        ("camera", "transition", words.TRANSITIONS),
        ("camera", "stability", words.STABILITIES),
        ("camera", "focus", words.FOCUSES),
        ("camera", "filter", words.FILTERS),
        ("camera", "playback", words.PLAYBACKS),
        ("camera", "overlay_kind", words.OVERLAYS),
        ("camera", "overlay_corner", words.CORNERS),
    ],
)
def test_every_value_of_what_moves_looks_different(part: str, name: str, values: tuple[str, ...]) -> None:
    settings = VideoSettings(size=80, seconds=1.5, fps=6)
    seen = set()
    for value in values:
        scene = replace(
            SCENE,
            main_object=replace(SCENE.main_object, main_shape="arrow", main_size="huge"),
            camera=replace(SCENE.camera, focus="crisp", filter="scanline", first_framing="medium", cut_moment="late"),
        )
        scene = replace(scene, **{part: replace(getattr(scene, part), **{name: value})})
        seen.add(b"".join(frame.tobytes() for frame in render(scene, settings)))
    assert len(seen) == len(values)


@pytest.mark.parametrize(
    ("move", "expected"),
    [
        ("pans leftward", lambda first, last: last.x < first.x and last.y == first.y),
        ("pans rightward", lambda first, last: last.x > first.x and last.y == first.y),
        ("tilts upward", lambda first, last: last.y < first.y and last.x == first.x),
        ("tilts downward", lambda first, last: last.y > first.y and last.x == first.x),
        ("pushes closer", lambda first, last: last.zoom > first.zoom),
        ("pulls away", lambda first, last: last.zoom < first.zoom),
        ("rolls clockwise", lambda first, last: last.roll > first.roll),
        ("rolls anticlockwise", lambda first, last: last.roll < first.roll),
        ("rests motionless", lambda first, last: last == first),
    ],
)
def test_the_camera_moves_as_its_word_says(move: str, expected: object) -> None:
    camera = replace(SCENE.camera, first_move=move, stability="steady")
    first, last = (look(camera, 0, progress, 0.0, 4.0, 100) for progress in (0.0, 1.0))
    assert callable(expected)
    assert expected(first, last)


def test_what_the_camera_samples_is_where_it_projects() -> None:
    canvas = paint_backdrop(SCENE, 100)
    canvas.pixels[:] = 0
    x, y = (round(value) for value in canvas.place(0.6, 0.4))
    canvas.pixels[y - 3 : y + 4, x - 3 : x + 4] = 255
    view = View(0.52, 0.47, 1.1, 0.3, 100)
    frame = sample(canvas, view)[..., 0]
    rows, columns = np.nonzero(frame > 100)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(view.project(0.6, 0.4), abs=1.0)


@pytest.mark.parametrize("transition", words.TRANSITIONS)
def test_a_transition_begins_with_one_shot_and_ends_with_the_other(transition: str) -> None:
    before, after = np.zeros((60, 60, 3), np.float32), np.full((60, 60, 3), 200, np.float32)
    tint = np.zeros(3, np.float32)
    assert join(before, after, transition, tint, 0.001).mean() < 15
    assert join(before, after, transition, tint, 0.999).mean() > 185


@pytest.mark.parametrize(
    ("size", "seconds", "fps", "found"),
    [
        pytest.param(225, 4.0, 12, "size 225", id="odd side"),
        pytest.param(16, 4.0, 12, "size 16", id="too small"),
        pytest.param(4096, 4.0, 12, "size 4096", id="too large"),
        pytest.param(224, 1 / 12, 12, "seconds at 12", id="one frame"),
        pytest.param(224, 0.0, 12, "seconds at 12", id="no length"),
        pytest.param(224, float("nan"), 12, "seconds at 12", id="not a number"),
        pytest.param(224, 61.0, 12, "61.0 seconds", id="too long"),
        pytest.param(224, 4.0, 0, "fps 0", id="no rate"),
    ],
)
def test_settings_that_make_no_video_are_refused(size: int, seconds: float, fps: int, found: str) -> None:
    with pytest.raises(InputError, match=found):
        VideoSettings(size=size, seconds=seconds, fps=fps)


def test_all_faults_of_the_settings_are_listed() -> None:
    with pytest.raises(InputError) as caught:
        VideoSettings(size=7, seconds=4.0, fps=0)
    assert len(caught.value.problems) == 2
