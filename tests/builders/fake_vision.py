"""Replies of a make-believe vision model: captions that depend on the pictures, questions that fit the captions."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

COLOURS = ("red", "blue", "green", "yellow", "white", "black", "orange", "purple")
THINGS = ("square", "kettle", "bicycle", "lantern", "parrot", "wagon", "ladder", "drum")
PLACES = ("meadow", "harbour", "kitchen", "tunnel", "balcony", "workshop", "garden", "library")
MOVES = ("glides", "rolls", "hops", "spins", "drifts", "slides", "climbs", "swings")
SECTION_MARKS = {
    "short": "tell the clip as a whole",
    "background": "Describe the surroundings",
    "main_object": "Describe the main subject",
    "camera": "Describe the camera work",
    "detailed": "Write one connected description",
}

_CAPTION = re.compile(r"<caption>\n(.*?)\n</caption>", re.DOTALL)


def pictures_of(body: dict[str, Any]) -> list[str]:
    """The data addresses of the pictures in a request."""
    parts = [
        part for message in body["messages"] if isinstance(message["content"], list) for part in message["content"]
    ]
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def text_of(body: dict[str, Any]) -> str:
    """All texts of a request."""
    texts = []
    for message in body["messages"]:
        content = message["content"]
        texts += [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return "\n".join(texts)


def section_of(body: dict[str, Any]) -> str | None:
    """The section a caption is asked for; None for a request for questions."""
    text = text_of(body)
    return next((section for section, mark in SECTION_MARKS.items() if mark in text), None)


def vision_reply(body: dict[str, Any]) -> str:
    """A caption or questions, decided by the request alone."""
    section = section_of(body)
    return questions_for(text_of(body)) if section is None else caption_for(pictures_of(body), section)


def caption_for(pictures: list[str], section: str) -> str:
    """Ten facts decided by the pictures, in words of their own per section."""
    digest = hashlib.sha256("".join(pictures).encode()).digest()
    facts = [
        f"the {COLOURS[digest[number] % 8]} {THINGS[(digest[number] // 8 + number) % 8]} number {number + 3} "
        f"{MOVES[digest[number + 10] % 8]} near the {PLACES[digest[number + 20] % 8]}"
        for number in range(10)
    ]
    return f"In this {section.replace('_', ' ')} view " + ", then ".join(facts) + "."


def questions_for(text: str) -> str:
    """Two questions per fact of the caption, with answers in its words; the first of them is no good."""
    found = _CAPTION.search(text)
    caption = found[1] if found else ""
    facts = re.findall(r"the (\w+) (\w+) number (\d+) (\w+) near the (\w+)", caption)
    items = [{"question": "Is this a question?", "answer": "Yes.", "category": "other"}]
    for colour, thing, number, move, place in facts:
        items.append(
            {"question": f"What moves as number {number}?", "answer": f"{colour} {thing}", "category": "object"}
        )
        items.append({"question": f"How and where does number {number} go?", "answer": f"{move} near the {place}"})
    return "Here they are:\n```json\n" + json.dumps({"questions": items}) + "\n```"
