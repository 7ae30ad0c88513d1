"""How the background's facts are said and asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STATEMENTS: Final[tuple[tuple[str, ...], ...]] = (
    (
        (
            "The sky is {sky_colour|shaded}[ that glows {horizon_colour} near the horizon]"
            "[, and the daylight suggests {time_of_day}]."
        ),
        (
            "Above everything the sky is painted {sky_colour|softly}[, with a glow of {horizon_colour} at the horizon]"
            "[ and the daylight of {time_of_day}]."
        ),
        (
            "A(n) {sky_colour|tinted} sky[ with a {horizon_colour} glow on the horizon] spans the view"
            "[ under the daylight of {time_of_day}]."
        ),
    ),
    (
        (
            "A(n) [{celestial_colour} ]{celestial_kind|form} hangs overhead"
            "[ in the {celestial_position} fifth of the frame]."
        ),
        (
            "High overhead hangs a(n) [{celestial_colour} ]{celestial_kind|form}"
            "[, placed in the {celestial_position} fifth of the frame]."
        ),
        (
            "Hanging overhead is a(n) [{celestial_colour} ]{celestial_kind|form}"
            "[ that takes the {celestial_position} fifth of the frame]."
        ),
    ),
    (
        "[{cloud_count} ][{cloud_style} ][{cloud_colour} ]clouds drift past.",
        "A row of [{cloud_count} ][{cloud_style} ][{cloud_colour} ]clouds drifts by.",
        "There are [{cloud_count} ][{cloud_style} ][{cloud_colour} ]clouds on the move.",
    ),
    (
        "The air is full of [{weather_density} ]{weather_kind|particles}[ travelling {weather_direction}].",
        "Filling the air, [{weather_density} ]{weather_kind|particles} can be seen[ travelling {weather_direction}].",
        "The air carries [{weather_density} ]{weather_kind|particles}[ travelling {weather_direction}].",
    ),
    (
        "A(n) [{ridge_shape} ][{ridge_colour} ]ridge closes off the distance.",
        "In the distance rises a(n) [{ridge_shape} ][{ridge_colour} ]ridge.",
        "Far off in the distance lies a(n) [{ridge_shape} ][{ridge_colour} ]ridge.",
    ),
    (
        "[{landmark_count} ][{landmark_colour} ]{landmark_kind|landmarks} line the skyline.",
        "Along the skyline stand [{landmark_count} ][{landmark_colour} ]{landmark_kind|landmarks}.",
        "The skyline is broken by [{landmark_count} ][{landmark_colour} ]{landmark_kind|landmarks}.",
    ),
    (
        "The ground is [{ground_colour} and ]covered with {ground_pattern|a pattern}.",
        "Covered with {ground_pattern|a pattern}, the ground stretches away[ in {ground_colour}].",
        "A cover of {ground_pattern|patterns} lies on the [{ground_colour} ]ground.",
    ),
    (
        "A(n) [{path_colour} ]{path_kind|strip} crosses the land from side to side.",
        "From one side to the other, a(n) [{path_colour} ]{path_kind|strip} crosses the land.",
        "The land is crossed from side to side by a(n) [{path_colour} ]{path_kind|strip}.",
    ),
    (
        "[{litter_count} ][{litter_colour} ]{litter_kind|things} lie scattered in the foreground.",
        "Scattered over the foreground are [{litter_count} ][{litter_colour} ]{litter_kind|things}.",
        "In the foreground [{litter_count} ][{litter_colour} ]{litter_kind|things} have been scattered.",
    ),
    (
        "A(n) [{flag_colour} ]flag [bearing a(n) {flag_symbol} ]flies from a pole.",
        "On a pole flies a(n) [{flag_colour} ]flag[ that bears a(n) {flag_symbol}].",
        "From a pole hangs a(n) [{flag_colour} ]flag[, bearing a(n) {flag_symbol}].",
    ),
    (
        "Meanwhile the lighting {lighting}.",
        "From start to end of the recording the lighting {lighting}.",
        "As time goes on, the lighting {lighting}.",
    ),
)
"""One entry per sentence; each entry has ways to say the same facts."""

QUESTIONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "sky_colour": ("What colour is the sky?", "Which colour does most of the sky have?", "How is the sky coloured?"),
    "horizon_colour": (
        "What colour is the glow near the horizon?",
        "In which colour does the horizon glow?",
        "What is the colour of the glow at the horizon?",
    ),
    "time_of_day": (
        "What time of day does the daylight suggest?",
        "Which time of day is it, judging by the daylight?",
        "To which hour does the daylight belong?",
    ),
    "celestial_kind": (
        "What hangs overhead?",
        "What can be seen hanging high overhead?",
        "Which thing hangs overhead?",
    ),
    "celestial_colour": (
        "What colour is the thing that hangs overhead?",
        "In which colour is the thing hanging overhead drawn?",
        "What is the colour of what hangs overhead?",
    ),
    "celestial_position": (
        "In which fifth of the frame does something hang overhead?",
        "Which fifth of the frame holds what hangs overhead?",
        "Where, by fifths of the frame, does something hang overhead?",
    ),
    "cloud_count": (
        "How many clouds drift past?",
        "What is the number of clouds?",
        "How many clouds can be counted?",
    ),
    "cloud_style": (
        "What form do the clouds have?",
        "How are the clouds shaped?",
        "What do the outlines of the clouds look like?",
    ),
    "cloud_colour": ("What colour are the clouds?", "Which colour do the clouds have?", "How are the clouds coloured?"),
    "weather_kind": ("What is the air full of?", "What fills the air?", "What is travelling through the air?"),
    "weather_direction": (
        "Which way is everything in the air travelling?",
        "How does what fills the air travel?",
        "In what manner do the things in the air travel?",
    ),
    "weather_density": (
        "How dense is what fills the air?",
        "How strong is the weather in the air?",
        "To what degree is the air filled?",
    ),
    "ridge_shape": (
        "What form does the ridge in the distance have?",
        "How is the distant ridge shaped?",
        "What does the crest of the ridge look like?",
    ),
    "ridge_colour": (
        "What colour is the ridge in the distance?",
        "Which colour does the ridge have?",
        "How is the distant ridge coloured?",
    ),
    "landmark_kind": ("What lines the skyline?", "What stands along the skyline?", "What breaks the skyline?"),
    "landmark_count": (
        "How many landmarks line the skyline?",
        "What is the number of things standing along the skyline?",
        "How many things break the skyline?",
    ),
    "landmark_colour": (
        "What colour are the landmarks on the skyline?",
        "Which colour do the things along the skyline have?",
        "How are the landmarks of the skyline coloured?",
    ),
    "ground_colour": (
        "What colour is the ground?",
        "Which colour does the ground have?",
        "How is the ground coloured?",
    ),
    "ground_pattern": (
        "What is the ground covered with?",
        "What pattern covers the ground?",
        "What makes up the pattern of the ground?",
    ),
    "path_kind": (
        "What crosses the land from side to side?",
        "What runs across the land from one side to the other?",
        "By what is the land crossed?",
    ),
    "path_colour": (
        "What colour is the thing that crosses the land?",
        "In which colour is the crossing of the land drawn?",
        "What is the colour of what crosses the land from side to side?",
    ),
    "litter_kind": (
        "What lies scattered in the foreground?",
        "Which things are scattered over the foreground?",
        "What has been scattered in the foreground?",
    ),
    "litter_count": (
        "How many things lie scattered in the foreground?",
        "What is the number of things scattered in the foreground?",
        "How many things can be counted in the foreground?",
    ),
    "litter_colour": (
        "What colour are the things scattered in the foreground?",
        "Which colour do the scattered things of the foreground have?",
        "How are the things in the foreground coloured?",
    ),
    "flag_colour": (
        "What colour is the flag on the pole?",
        "Which colour does the flag have?",
        "How is the flag on the pole coloured?",
    ),
    "flag_symbol": (
        "What symbol does the flag bear?",
        "Which figure does the flag on the pole bear?",
        "What is shown on the flag?",
    ),
    "lighting": (
        "How does the lighting change?",
        "What does the lighting do as time goes on?",
        "How does the lighting behave from start to end?",
    ),
}
"""Fact key -> ways to ask for it. Every question shares a telling word with each sentence that states its fact."""
