"""The words of the synthetic world: what each property of a scene can be called.

A renderer draws what the word means and a caption says the word, so both always agree. Values of one vocabulary share
as few words as English allows: a caption of another video then seldom answers a question by accident.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

COLOURS: Final[Mapping[str, tuple[int, int, int]]] = MappingProxyType(
    {
        "crimson": (190, 20, 50),
        "coral": (255, 120, 90),
        "salmon": (240, 150, 130),
        "rust": (175, 75, 30),
        "tangerine": (245, 140, 20),
        "apricot": (250, 190, 130),
        "amber": (255, 190, 0),
        "mustard": (200, 160, 40),
        "lemon": (250, 240, 90),
        "khaki": (185, 175, 110),
        "olive": (115, 120, 30),
        "lime": (165, 225, 40),
        "moss": (85, 110, 60),
        "emerald": (30, 160, 80),
        "mint": (150, 235, 190),
        "jade": (0, 170, 125),
        "teal": (0, 115, 120),
        "turquoise": (60, 215, 205),
        "cyan": (0, 235, 250),
        "azure": (50, 150, 240),
        "cobalt": (20, 70, 190),
        "navy": (25, 35, 100),
        "slate": (100, 115, 135),
        "indigo": (75, 20, 140),
        "violet": (140, 80, 220),
        "lavender": (200, 180, 240),
        "lilac": (195, 150, 205),
        "plum": (115, 45, 100),
        "magenta": (220, 30, 170),
        "fuchsia": (250, 80, 200),
        "pink": (250, 175, 195),
        "maroon": (105, 20, 35),
        "brown": (110, 70, 40),
        "tan": (210, 180, 140),
        "beige": (235, 225, 200),
        "ivory": (250, 248, 235),
        "silver": (190, 195, 200),
        "grey": (125, 125, 130),
        "charcoal": (60, 62, 68),
        "ebony": (20, 18, 20),
    }
)
"""Name -> sRGB, 0 to 255."""

COUNTS: Final[Mapping[str, int]] = MappingProxyType(
    {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
)

SHAPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "disc": "discs",
        "square": "squares",
        "triangle": "triangles",
        "pentagon": "pentagons",
        "hexagon": "hexagons",
        "octagon": "octagons",
        "star": "stars",
        "heart": "hearts",
        "crescent": "crescents",
        "ring": "rings",
        "cross": "crosses",
        "rhombus": "rhombuses",
        "arrow": "arrows",
        "teardrop": "teardrops",
        "gear": "gears",
        "oval": "ovals",
        "clover": "clovers",
    }
)
"""Singular -> plural."""

GROUND_PATTERNS: Final = (
    "bricks", "planks", "honeycombs", "pebbles", "ripples", "furrows", "chevrons", "tiles", "cracks", "lattices",
)  # fmt: skip
PATHS: Final = ("road", "river", "railway", "fence", "hedge", "canal", "wall", "boardwalk", "ditch")
TIMES_OF_DAY: Final[Mapping[str, tuple[float, float, float]]] = MappingProxyType(
    {
        "dawn": (1.0, 0.90, 0.92),
        "morning": (0.96, 1.0, 1.0),
        "noon": (1.06, 1.06, 1.06),
        "afternoon": (1.0, 0.95, 0.86),
        "dusk": (0.86, 0.74, 0.80),
        "midnight": (0.60, 0.64, 0.84),
    }
)
"""Name -> factors on red, green and blue. Mild, so that colours can still be named."""

RIDGES: Final = ("jagged", "rolling", "stepped", "serrated", "flattened", "humped")
LANDMARKS: Final = (
    "windmills", "pyramids", "lighthouses", "pines", "cacti", "domes", "arches", "obelisks", "mushrooms", "tents",
)  # fmt: skip
CELESTIALS: Final = ("sun", "moon", "planet", "comet", "balloon", "kite", "airship", "satellite")
CELESTIAL_POSITIONS: Final[Mapping[str, float]] = MappingProxyType(
    {"leftmost": 0.12, "left": 0.31, "middle": 0.5, "right": 0.69, "rightmost": 0.88}
)
"""Fifth of the frame -> horizontal centre, world units."""

CLOUD_STYLES: Final = ("puffy", "wispy", "boxy", "ragged", "round")
WEATHERS: Final = (
    "rain", "snow", "hail", "leaves", "petals", "confetti", "embers", "bubbles", "feathers", "ash",
)  # fmt: skip
WEATHER_DIRECTIONS: Final = ("leftward", "rightward", "downward", "upward", "diagonally", "circularly")
WEATHER_DENSITIES: Final[Mapping[str, int]] = MappingProxyType(
    {"sparse": 16, "moderate": 40, "heavy": 80, "blinding": 150}
)
"""Name -> particles in a frame."""

LIGHTINGS: Final = ("brightens", "darkens", "flickers", "flashes", "pulses", "warms", "cools", "holds steady")
LITTERS: Final = ("crates", "barrels", "stones", "flowers", "puddles", "logs", "shells", "lanterns")

SIZES: Final[Mapping[str, float]] = MappingProxyType(
    {"tiny": 0.055, "small": 0.075, "medium-sized": 0.1, "large": 0.13, "huge": 0.165}
)
"""Name -> radius, world units (1 = the frame's side at zoom 1)."""

FILLS: Final = (
    "striped", "chequered", "dotted", "speckled", "zigzagged", "crosshatched", "marbled", "banded", "swirled",
)  # fmt: skip
MOTIONS: Final = ("zigzags", "weaves", "bounces", "spirals", "loops", "hops", "glides", "curves", "wobbles")
POSITIONS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "north": (0.5, 0.34),
        "northeast": (0.76, 0.36),
        "east": (0.79, 0.56),
        "southeast": (0.76, 0.78),
        "south": (0.5, 0.8),
        "southwest": (0.24, 0.78),
        "west": (0.21, 0.56),
        "northwest": (0.24, 0.36),
    }
)
"""Part of the frame, north at the upper edge -> centre in world units."""

PACES: Final = ("increases", "decreases", "stays constant", "oscillates", "drops to zero midway")
SPINS: Final = ("clockwise", "anticlockwise", "rocking", "jerky", "absent")
SCALINGS: Final = ("swells", "shrinks", "pulsates", "stretches", "flattens")
TRAILS: Final = ("droplets", "sparkles", "smoke", "ribbons", "hoops", "dashes")
INTERACTIONS: Final = (
    "orbit it", "chase it", "scatter", "collide with it", "hide behind it", "march in line", "tremble", "flee",
)  # fmt: skip

FRAMINGS: Final[Mapping[str, float]] = MappingProxyType(
    {"panoramic": 0.8, "wide": 0.9, "medium": 1.0, "close": 1.15, "tight": 1.3}
)
"""Name -> zoom; 1 shows the unit square."""

MOVES: Final = (
    "pans leftward", "pans rightward", "tilts upward", "tilts downward", "pushes closer", "pulls away",
    "rolls clockwise", "rolls anticlockwise", "circles", "rests motionless",
)  # fmt: skip
MOVE_PACES: Final[Mapping[str, float]] = MappingProxyType(
    {"imperceptibly": 0.3, "gently": 0.5, "evenly": 0.75, "briskly": 1.0, "swiftly": 1.25, "violently": 1.5}
)
"""Name -> factor on the length of the move."""

TRANSITIONS: Final = ("hard cut", "dissolve", "wipe", "iris", "slide", "checkerboard", "blinds", "zipper")
CUT_MOMENTS: Final[Mapping[str, float]] = MappingProxyType({"early": 0.34, "halfway": 0.5, "late": 0.66})
"""Name -> share of the clip."""

STABILITIES: Final = ("steady", "trembling", "swaying", "jolting", "floating")
FOCUSES: Final = ("crisp", "soft", "sharpening", "blurring", "breathing")
FILTERS: Final = ("sepia", "grainy", "vignette", "scanline", "posterised", "faded", "pixelated", "glowing")
PLAYBACKS: Final = ("freeze", "stutter", "ramp", "echo", "strobe")
OVERLAYS: Final = ("dot", "crosshair", "dial", "battery", "grid", "bracket", "bell")
CORNERS: Final = ("upper left", "upper right", "lower left", "lower right")
