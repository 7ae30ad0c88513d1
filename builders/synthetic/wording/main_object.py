"""How the facts about the main object and its companions are said and asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATEMENTS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "The main object is a(n) [{main_size} ][{main_colour} ]{main_shape|figure}.",
        "A(n) [{main_size} ][{main_colour} ]{main_shape|figure} is the main object.",
        "At the centre of interest, as the main object, is a(n) [{main_size} ][{main_colour} ]{main_shape|figure}.",
    ),
    (
        "Its body has a(n) [{fill_texture} ]finish[ picked out in {fill_colour}].",
        "A(n) [{fill_texture} ]finish covers its body[, picked out in {fill_colour}].",
        "Its body shows a finish that is {fill_texture|patterned}[ and picked out in {fill_colour}].",
    ),
    (
        "A(n) {outline_colour} outline runs round its edge.",
        "Its edge is traced by a(n) {outline_colour} outline.",
        "Round the edge runs an outline in {outline_colour}.",
    ),
    (
        "As an emblem, its face wears a(n) [{emblem_colour} ]{emblem_shape|mark}.",
        "Its face wears a(n) [{emblem_colour} ]{emblem_shape|mark} as an emblem.",
        "The emblem that its face wears is a(n) [{emblem_colour} ]{emblem_shape|mark}.",
    ),
    (
        (
            "Along its route it {motion|travels}[, with the {start_position} as its start]"
            "[ and the {end_position} as its goal]."
        ),
        (
            "On its route it {motion|travels}[ from a start in the {start_position} of the frame]"
            "[ to a goal in the {end_position}]."
        ),
        (
            "On a route it {motion|travels}[, the start being in the {start_position}]"
            "[, the goal being in the {end_position}]."
        ),
    ),
    (
        "Its speed {main_pace}.",
        "On the way its speed {main_pace}.",
        "Throughout, the speed {main_pace}.",
    ),
    (
        "Its rotation is {spin}.",
        "The rotation of the figure is {spin}.",
        "As for rotation, it is {spin}.",
    ),
    (
        "In its proportions one change can be seen: it {scaling}.",
        "Its proportions change, for it {scaling}.",
        "A change of proportions happens as it {scaling}.",
    ),
    (
        "Later its paint turns {turned_colour}.",
        "Its paint later turns {turned_colour}.",
        "Near the end the paint turns {turned_colour}.",
    ),
    (
        "It leaves a(n) [{trail_colour} ]trail[ of {trail_kind}] in its wake.",
        "In its wake comes a(n) [{trail_colour} ]trail[ made of {trail_kind}].",
        "A(n) [{trail_colour} ]trail[ of {trail_kind}] marks its wake.",
    ),
    (
        "Its companions are [{companion_count} ][{companion_colour} ]{companion_shape|figures}[, which {interaction}].",
        "As companions it has [{companion_count} ][{companion_colour} ]{companion_shape|figures}[ that {interaction}].",
        "[{companion_count} ][{companion_colour} ]{companion_shape|figures} are its companions[ and {interaction}].",
    ),
)
"""One entry per sentence; each entry has ways to say the same facts."""

QUESTIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "main_size": (
        "How big is the main object?",
        "What size is the main object?",
        "Of what size does the main object look?",
    ),
    "main_colour": (
        "What colour is the main object at first?",
        "Which colour does the main object have at first?",
        "How is the main object coloured to begin with?",
    ),
    "main_shape": (
        "What is the main object?",
        "What shape is the main object?",
        "As which shape is the main object drawn?",
    ),
    "fill_texture": (
        "What finish does the body of the moving shape have?",
        "How is the finish on its body patterned?",
        "What does the finish of the body look like?",
    ),
    "fill_colour": (
        "In what colour is the finish of the body picked out?",
        "Which colour picks out the finish on its body?",
        "What colour is used to pick out the finish of the body?",
    ),
    "outline_colour": (
        "What colour is the outline round the edge?",
        "Which colour traces the edge as an outline?",
        "What is the colour of the outline at the edge?",
    ),
    "emblem_shape": (
        "What does its face wear as an emblem?",
        "Which emblem is worn on the face?",
        "What figure is the emblem on the face?",
    ),
    "emblem_colour": (
        "What colour is the emblem on the face?",
        "Which colour does the emblem have?",
        "How is the emblem on the face coloured?",
    ),
    "motion": (
        "How does it move along its route?",
        "What does it do on its route?",
        "In what manner is the route covered?",
    ),
    "start_position": (
        "In which part of the frame is the start of the route?",
        "Where does the route have its start?",
        "At which compass point of the frame is the start of its route?",
    ),
    "end_position": (
        "In which part of the frame is the goal of the route?",
        "Where does the route reach its goal?",
        "At which compass point of the frame is the goal of its route?",
    ),
    "main_pace": ("What happens to its speed?", "How does the speed develop?", "What does its speed do on the way?"),
    "spin": ("What is its rotation like?", "How is the rotation of the figure?", "Of what kind is the rotation?"),
    "scaling": (
        "How do its proportions change?",
        "What change of proportions happens?",
        "What becomes of the proportions?",
    ),
    "turned_colour": (
        "What colour does its paint turn later?",
        "Into which colour does the paint turn?",
        "What colour is the paint once it turns?",
    ),
    "trail_kind": (
        "What does the trail in its wake consist of?",
        "Of what is the trail in its wake made?",
        "What makes up the trail left in its wake?",
    ),
    "trail_colour": (
        "What colour is the trail in its wake?",
        "Which colour does the trail have?",
        "How is the trail in its wake coloured?",
    ),
    "companion_shape": (
        "What shape are its companions?",
        "Which shapes are the companions?",
        "What are the companions of the main object?",
    ),
    "companion_count": (
        "How many companions does it have?",
        "What is the number of its companions?",
        "By how many companions is it joined?",
    ),
    "companion_colour": (
        "What colour are its companions?",
        "Which colour do the companions have?",
        "How are the companions coloured?",
    ),
    "interaction": (
        "What do its companions do?",
        "How do the companions behave?",
        "In what way do the companions act?",
    ),
}
"""Fact key -> ways to ask for it. Every question shares a telling word with each sentence that states its fact."""
