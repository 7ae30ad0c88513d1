"""Sentence frames that stay good English whichever of their facts are stated.

A frame is text with fields and optional parts::

    "[{count} ][{colour} ]{kind|landmarks} line the skyline[ at {time}]."

``{key}`` is a stated value; ``{key|default}`` falls back to the default; a part in brackets is left out when one of
its own ``{key}`` fields is not stated, or when nothing inside it is. Brackets nest. ``a(n)`` becomes *a* or *an*.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"\[|\]|\{(?P<key>\w+)(?:\|(?P<default>[^{}\[\]]*))?\}|[^\[\]{}]+")
_ARTICLE = re.compile(r"\b(a)\(n\) (\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    default: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    nodes: tuple[str | _Field | _Part, ...]


def frame_keys(frame: str) -> tuple[str, ...]:
    """The fact keys a frame can state, in order.

    Raises:
        ValueError: The frame's brackets do not match.
    """
    return tuple(_keys(_parse(frame)))


def fill(frame: str, values: Mapping[str, str]) -> str:
    """The sentence for the stated facts; empty when the frame can state none of them.

    Args:
        frame: See the module's text.
        values: Fact key -> word, of the stated facts only; keys the frame does not have are ignored.
    """
    nodes = _parse(frame)
    if not any(key in values for key in _keys(nodes)):
        return ""
    text = "".join(_render(node, values) for node in nodes.nodes)
    text = _ARTICLE.sub(lambda hit: f"{hit[1]}{'n' if hit[2].lower() in 'aeiou' else ''} {hit[2]}", text)
    return text[:1].upper() + text[1:]


def _keys(part: _Part) -> list[str]:
    keys: list[str] = []
    for node in part.nodes:
        if isinstance(node, _Field):
            keys.append(node.key)
        elif isinstance(node, _Part):
            keys += _keys(node)
    return keys


def _render(node: str | _Field | _Part, values: Mapping[str, str]) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, _Field):
        return values.get(node.key, node.default or "")
    required = [field.key for field in node.nodes if isinstance(field, _Field) and field.default is None]
    if any(key not in values for key in required) or not any(key in values for key in _keys(node)):
        return ""
    return "".join(_render(inner, values) for inner in node.nodes)


@cache
def _parse(frame: str) -> _Part:
    open_parts: list[list[str | _Field | _Part]] = [[]]
    for token in _TOKEN.finditer(frame):
        text = token[0]
        if text == "[":
            open_parts.append([])
        elif text == "]" and len(open_parts) > 1:
            part = _Part(tuple(open_parts.pop()))
            open_parts[-1].append(part)
        elif text == "]":
            raise ValueError(f"frame with a closing bracket too many: {frame!r}")
        elif token["key"]:
            open_parts[-1].append(_Field(token["key"], token["default"]))
        else:
            open_parts[-1].append(text)
    if len(open_parts) != 1:
        raise ValueError(f"frame with an open bracket: {frame!r}")
    return _Part(tuple(open_parts[0]))
