"""The five sections of a VDC caption set, in the order every table of this project uses."""

from __future__ import annotations

from typing import Final, Literal, get_args

from vdc.errors import InputError, unknown_name

Section = Literal["short", "background", "main_object", "camera", "detailed"]

SECTIONS: Final[tuple[Section, ...]] = get_args(Section)

ALIASES: Final[dict[str, Section]] = {
    "object": "main_object",
    "main object": "main_object",
    "main-object": "main_object",
    "mainobject": "main_object",
    **{f"{section}_caption": section for section in SECTIONS},
    **{f"{section}_test": section for section in SECTIONS},
    **{f"vdc_{section}": section for section in SECTIONS},
}
"""Names that files in the wild use for a section; accepted on input only, never written.

``object`` is the board file's word, ``*_test`` are lmms-eval's task names, ``vdc_*`` the names its README gives them.
"""


def find_section(name: object) -> Section | None:
    """The section a name stands for, or None: case and surrounding space do not matter."""
    if not isinstance(name, str):
        return None
    word = name.strip().lower()
    if word in SECTIONS:
        return word
    return ALIASES.get(word)


def parse_section(name: object, where: str = "") -> Section:
    """The section a name stands for.

    Raises:
        InputError: The name is neither a section nor an alias; lists the valid names.
    """
    section = find_section(name)
    if section is None:
        raise InputError(unknown_name("section", name, SECTIONS, where))
    return section
