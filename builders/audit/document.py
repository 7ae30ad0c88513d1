"""A small document that can be written as Markdown and as one self-contained HTML page."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1b; }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; }
th, td { border: 1px solid #bbb; padding: 0.25rem 0.6rem; text-align: left; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; }
"""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of plain texts."""

    items: Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of plain texts.

    Args:
        header: Column titles.
        rows: Rows of as many cells as the header has.
        numeric: Columns shown flush right.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Args:
        file: Name of the PNG, relative to the Markdown file.
        caption: What it shows; also its text for readers who cannot see it.
    """

    file: str
    caption: str


Block = Heading | Paragraph | Bullets | Table | Picture


def to_markdown(blocks: Sequence[Block]) -> str:
    """The document as Markdown. All texts are escaped: they may come from files nobody vouched for."""
    return "\n\n".join(_markdown_block(block) for block in blocks) + "\n"


def to_html(blocks: Sequence[Block], pictures: Mapping[str, bytes]) -> str:
    """The document as one HTML page that needs no other file.

    Args:
        blocks: The document; its first heading is the page's title.
        pictures: File name -> PNG, for every picture of the document.
    """
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Audit")
    body = "\n".join(_html_block(block, pictures) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return _MARKDOWN_SPECIAL.sub(r"\\\1", printable)


def _markdown_block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {escape_markdown(block.text)}"
    if isinstance(block, Paragraph):
        return escape_markdown(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {escape_markdown(item)}" for item in block.items)
    if isinstance(block, Picture):
        return f"![{escape_markdown(block.caption)}]({block.file})"
    rule = ["---:" if column in block.numeric else "---" for column in range(len(block.header))]
    lines = [[escape_markdown(cell) for cell in block.header], rule]
    lines += [[escape_markdown(cell) for cell in row] for row in block.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _html_block(block: Block, pictures: Mapping[str, bytes]) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        return f"<p>{html.escape(block.text)}</p>"
    if isinstance(block, Bullets):
        return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in block.items) + "</ul>"
    if isinstance(block, Picture):
        data = base64.b64encode(pictures[block.file]).decode("ascii")
        caption = html.escape(block.caption)
        image = f'<img alt="{caption}" src="data:image/png;base64,{data}">'
        return f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
    head = "".join(_html_cell("th", cell, column in block.numeric) for column, cell in enumerate(block.header))
    rows = [
        "".join(_html_cell("td", cell, column in block.numeric) for column, cell in enumerate(row))
        for row in block.rows
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_cell(tag: str, text: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    return f"<{tag}{kind}>{html.escape(text)}</{tag}>"
