"""How the short caption says its facts, all in one sentence, and what is asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATEMENTS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "The clip shows how a(n) [{main_size} ][{main_colour} ]{main_shape|figure} {motion|moves}"
        "[ over {ground_colour} ground][, joined by [{companion_count} ]{companion_shape|others}]"
        "[, while [{landmark_count} ]{landmark_kind|landmarks} line the skyline][ in air full of {weather_kind}]"
        "[ at {time_of_day}][, as the camera {first_move}].",
        "In this clip[ of a(n) {time_of_day} scene] a(n) [{main_size} ][{main_colour} ]{main_shape|figure} {motion|moves}"
        "[ with [{companion_count} ]{companion_shape|others} around it][ across {ground_colour} ground]"
        "[, before a skyline of [{landmark_count} ]{landmark_kind|landmarks}][, in air full of {weather_kind}]"
        "[, and the camera {first_move}].",
        "As the camera {first_move|watches}, the clip follows a(n) [{main_size} ][{main_colour} ]{main_shape|figure}"
        "[ that {motion}][ on {ground_colour} ground][ beside [{companion_count} ]{companion_shape|others}]"
        "[, under a skyline of [{landmark_count} ]{landmark_kind|landmarks}][, with {weather_kind} in the air]"
        "[ at {time_of_day}].",
    ),
)
"""One sentence, three ways to say it."""

QUESTIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "main_size": (
        "What size is the figure in the clip?",
        "How big is the figure that the clip shows?",
        "How large does the figure in the clip look?",
    ),
    "main_colour": (
        "What colour is the figure in the clip?",
        "Which colour does the figure that the clip shows have?",
        "How is the figure in the clip coloured?",
    ),
    "main_shape": (
        "Which figure does the clip show?",
        "What shape does the clip follow?",
        "What is it that moves in the clip?",
    ),
    "motion": (
        "How does the figure in the clip move?",
        "What does the figure do in the clip?",
        "In what manner does the figure of the clip get about?",
    ),
    "ground_colour": (
        "What colour is the ground in the clip?",
        "Which colour does the ground of the clip have?",
        "How is the ground in the clip coloured?",
    ),
    "companion_shape": (
        "What shapes join the figure in the clip?",
        "Which other shapes does the clip show?",
        "What are the companions in the clip?",
    ),
    "companion_count": (
        "How many companions does the figure in the clip have?",
        "What is the number of companions in the clip?",
        "How many other shapes does the clip show around the figure?",
    ),
    "landmark_kind": (
        "What stands on the skyline in the clip?",
        "What lines the skyline of the clip?",
        "Which landmarks form the skyline in the clip?",
    ),
    "landmark_count": (
        "How many landmarks form the skyline in the clip?",
        "What is the number of landmarks on the skyline of the clip?",
        "How many things line the skyline in the clip?",
    ),
    "weather_kind": (
        "What is in the air in the clip?",
        "What fills the air of the clip?",
        "What does the clip show in the air?",
    ),
    "time_of_day": (
        "What time of day is it in the clip?",
        "At which time of day does the clip take place?",
        "To which part of the day does the clip belong?",
    ),
    "first_move": (
        "What does the camera do in the clip?",
        "How does the camera of the clip move?",
        "Which camera move opens the clip?",
    ),
}
"""Fact key -> ways to ask for it. Every question shares a word with the sentence."""
