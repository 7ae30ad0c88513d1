"""How the camera's facts are said and asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATEMENTS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "The recording opens out of a(n) {open_colour} screen.",
        "Out of a(n) {open_colour} screen the recording opens.",
        "A(n) {open_colour} screen opens the recording.",
    ),
    (
        "In the initial [{first_framing} ]shot the camera {first_move|rolls on}[ {first_pace}].",
        "The initial shot[, a(n) {first_framing} one,] shows how the camera {first_move|rolls on}[ {first_pace}].",
        "During the initial [{first_framing} ]shot the camera {first_move|rolls on}[ {first_pace}].",
    ),
    (
        "A(n) [{transition_colour} ]{transition|change} makes the transition[, {cut_moment} in the running time].",
        "The transition is a(n) [{transition_colour} ]{transition|change}[ coming {cut_moment} in the running time].",
        "As transition there is a(n) [{transition_colour} ]{transition|change}[, {cut_moment} in the running time].",
    ),
    (
        "In the final [{second_framing} ]shot the camera {second_move|rolls on}[ {second_pace}].",
        "The final shot[, a(n) {second_framing} one,] shows how the camera {second_move|rolls on}[ {second_pace}].",
        "During the final [{second_framing} ]shot the camera {second_move|rolls on}[ {second_pace}].",
    ),
    (
        "The handling of the equipment is {stability}.",
        "Throughout, its handling is {stability}.",
        "The operator's handling looks {stability}.",
    ),
    (
        "The focus is {focus}.",
        "As for the lens, its focus is {focus}.",
        "The lens keeps a(n) {focus} focus.",
    ),
    (
        "A(n) {filter} filter lies over the footage.",
        "The footage has been given a(n) {filter} filter.",
        "Over the footage lies a(n) {filter} filter.",
    ),
    (
        "Playback is altered by a(n) {playback} effect.",
        "A(n) {playback} effect alters the playback.",
        "The playback has a(n) {playback} effect.",
    ),
    (
        "A(n) {border_colour} border frames the view.",
        "The view is framed by a(n) {border_colour} border.",
        "Around the view runs a(n) {border_colour} border.",
    ),
    (
        "Superimposed on the image is a(n) [{overlay_colour} ]{overlay_kind|marker}[ in the {overlay_corner} corner].",
        "A(n) [{overlay_colour} ]{overlay_kind|marker} is superimposed on the image[ in its {overlay_corner} corner].",
        "The image has a(n) [{overlay_colour} ]{overlay_kind|marker} superimposed[ in the {overlay_corner} corner].",
    ),
    (
        "A(n) {bar_colour} progress bar fills up along the rim.",
        "Along the rim a(n) {bar_colour} progress bar fills up.",
        "Progress is shown by a(n) {bar_colour} bar at the rim.",
    ),
    (
        "At the close the picture fades into {close_colour}.",
        "The picture fades into {close_colour} at the close.",
        "With a fade into {close_colour} the picture comes to its close.",
    ),
)
"""One entry per sentence; each entry has ways to say the same facts."""

QUESTIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "open_colour": (
        "What colour is the screen that opens the recording?",
        "Out of which colour of screen does the recording open?",
        "In which colour is the screen when the recording opens?",
    ),
    "first_framing": (
        "How is the initial shot framed?",
        "What kind of shot is the initial one?",
        "What framing does the initial shot have?",
    ),
    "first_move": (
        "What does the camera do in the initial shot?",
        "How does the camera move during the initial shot?",
        "Which camera move does the initial shot show?",
    ),
    "first_pace": (
        "In what manner does the camera move in the initial shot?",
        "With what force is the camera moved in the initial shot?",
        "How fast is the camera in the initial shot?",
    ),
    "transition": (
        "What kind of transition is used?",
        "How is the transition made?",
        "What makes the transition between the two shots?",
    ),
    "transition_colour": (
        "What colour is the transition?",
        "Which colour tints the transition?",
        "In what colour is the transition made?",
    ),
    "cut_moment": (
        "When in the running time does the transition come?",
        "At which point of the running time is the transition?",
        "How far into the running time is the transition?",
    ),
    "second_framing": (
        "How is the final shot framed?",
        "What kind of shot is the final one?",
        "What framing does the final shot have?",
    ),
    "second_move": (
        "What does the camera do in the final shot?",
        "How does the camera move during the final shot?",
        "Which camera move does the final shot show?",
    ),
    "second_pace": (
        "In what manner does the camera move in the final shot?",
        "With what force is the camera moved in the final shot?",
        "How fast is the camera in the final shot?",
    ),
    "stability": ("What is the handling like?", "How does the handling look?", "Of what kind is the handling?"),
    "focus": ("What is the focus like?", "How is the focus of the lens?", "Of what kind is the focus?"),
    "filter": (
        "What filter lies over the footage?",
        "Which filter has the footage been given?",
        "What kind of filter alters the footage?",
    ),
    "playback": (
        "What effect alters the playback?",
        "Which effect does the playback have?",
        "By what kind of effect is playback altered?",
    ),
    "border_colour": (
        "What colour is the border round the view?",
        "Which colour does the border have?",
        "In what colour is the view framed by a border?",
    ),
    "overlay_kind": (
        "What is superimposed on the image?",
        "Which thing has been superimposed?",
        "What does the image show superimposed?",
    ),
    "overlay_colour": (
        "What colour is the thing superimposed on the image?",
        "Which colour does the superimposed thing have?",
        "In what colour is something superimposed on the image?",
    ),
    "overlay_corner": (
        "In which corner of the image is something superimposed?",
        "Which corner of the image holds the superimposed thing?",
        "Where on the image is the corner with the superimposed thing?",
    ),
    "bar_colour": (
        "What colour is the progress bar?",
        "Which colour does the progress bar at the rim have?",
        "In what colour is progress shown along the rim?",
    ),
    "close_colour": (
        "Into which colour does the picture fade at the close?",
        "What colour does the picture fade into?",
        "At the close, in which colour does the picture fade?",
    ),
}
"""Fact key -> ways to ask for it. Every question shares a telling word with each sentence that states its fact."""
