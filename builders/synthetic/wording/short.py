"""How the short caption says its few facts, and what is asked about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATEMENTS: Final[tuple[tuple[str, ...], ...]] = (
    (
        (
            "The clip shows how a(n) [{main_size} ][{main_colour} ]{main_shape|figure} {motion|moves}"
            "[, joined by [{companion_count} ]{companion_shape|others}]."
        ),
        (
            "In this clip a(n) [{main_size} ][{main_colour} ]{main_shape|figure} {motion|moves}"
            "[ with [{companion_count} ]{companion_shape|others} around it]."
        ),
        (
            "The clip follows a(n) [{main_size} ][{main_colour} ]{main_shape|figure}[ that {motion}]"
            "[ beside [{companion_count} ]{companion_shape|others}]."
        ),
    ),
    (
        (
            "[{landmark_count} ]{landmark_kind|landmarks} form the skyline[ above {ground_colour} ground]"
            "[ at the hour of {time_of_day}]."
        ),
        (
            "The hour is {time_of_day|uncertain}, and [{landmark_count} ]{landmark_kind|landmarks} form the skyline"
            "[ over {ground_colour} ground]."
        ),
        (
            "[Beyond {ground_colour} ground, ][{landmark_count} ]{landmark_kind|landmarks} form the skyline"
            "[ in the hour of {time_of_day}]."
        ),
    ),
    (
        "[With {weather_kind} in the air, ]the camera {first_move|keeps rolling}.",
        "The camera {first_move|keeps rolling}[ through air full of {weather_kind}].",
        "As the camera {first_move|keeps rolling}, the air is full of {weather_kind|movement}.",
    ),
)
"""One entry per sentence; each entry has ways to say the same facts."""

QUESTIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "main_size": (
        "What size is the figure in the clip?",
        "How big is the figure that the clip shows?",
        "Of what size does the figure in the clip look?",
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
        "What stands on the skyline?",
        "What forms the skyline?",
        "Which landmarks make up the skyline?",
    ),
    "landmark_count": (
        "How many landmarks form the skyline?",
        "What is the number of landmarks on the skyline?",
        "How many things stand on the skyline?",
    ),
    "ground_colour": (
        "What colour is the ground below the skyline?",
        "Which colour does the ground have?",
        "How is the ground coloured?",
    ),
    "time_of_day": (
        "What hour of the day is it?",
        "At which hour of the day does everything take place?",
        "To which hour does the light belong?",
    ),
    "weather_kind": (
        "What is in the air?",
        "What fills the air?",
        "What can be seen in the air?",
    ),
    "first_move": (
        "What does the camera do?",
        "How does the camera move?",
        "Which move does the camera make?",
    ),
}
"""Fact key -> ways to ask for it. Every question shares a telling word with the sentence that states its fact."""
