r"""Training data in LLaVA's format: a JSON list or JSON lines of conversations with pictures and videos, checked whole.

    {"id": "1", "image": "a.jpg", "conversations": [{"from": "human", "value": "<image>\nWhat is it?"},
                                                    {"from": "gpt", "value": "A kite."}]}

``image`` may be a list, ``video`` a file or the stored features of a film; without either the record is text alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from baselines.common.prompts import IMAGE_MARK, VIDEO_MARK
from baselines.training.sampler import word_length
from vdc.errors import InputError, Problem
from vdc.fileio import MAX_BYTES, FileBytes, read_bytes, show_path
from vdc.textio import iter_json_lines

Kind = Literal["text", "image", "video", "film"]

FILM_FILE: Final = "film.json"


@dataclass(frozen=True, slots=True)
class TrainRecord:
    """One conversation.

    Args:
        id: Of the record; its place in the file where it has none.
        number: Place in the file, from 0; decides what is left to chance.
        kind: What it is about.
        media: Its files; empty for text.
        messages: ``{"from": "human" | "gpt", "value": text}`` each; a video's mark is written ``<image>``.
    """

    id: str
    number: int
    kind: Kind
    media: tuple[Path, ...]
    messages: tuple[Mapping[str, str], ...]

    @property
    def length(self) -> int:
        """Words, negative for text alone; what sampling by length goes by."""
        return word_length([message["value"] for message in self.messages], visual=self.kind != "text")


@dataclass(frozen=True, slots=True)
class TrainData:
    """A data file.

    Args:
        records: Those that can be used, in the file's order.
        unusable: What is wrong with the others.
        sha256: Of the file.
    """

    records: tuple[TrainRecord, ...]
    unusable: tuple[Problem, ...]
    sha256: str

    def counts(self) -> dict[str, int]:
        """Records by kind."""
        found: dict[str, int] = {}
        for record in self.records:
            found[record.kind] = found.get(record.kind, 0) + 1
        return found


def read_data(path: str | Path, media: str | Path | None) -> TrainData:
    """Read a data file and look for the files it names; nothing is decoded.

    Args:
        path: JSON list or JSON lines.
        media: Folder that its paths start from; None for text alone.

    Raises:
        InputError: The file cannot be read, is neither form, or holds no record.
    """
    content = _content(path)
    where = show_path(path)
    folder = None if media is None else Path(media)
    if folder is not None and not folder.is_dir():
        raise InputError(
            Problem("no folder", "the folder that paths in the data start from", "check --media", str(folder))
        )
    records: list[TrainRecord] = []
    unusable: list[Problem] = []
    for number, place, value in _values(content, where, unusable):
        made = _record(value, number, f"{where}:{place}", folder)
        if isinstance(made, Problem):
            unusable.append(made)
        else:
            records.append(made)
    if not records and not unusable:
        raise InputError(Problem("no records", "a JSON list, or one JSON object per line", "check --data", where))
    return TrainData(tuple(records), tuple(unusable), content.sha256)


def usable(data: TrainData, policy: Literal["refuse", "skip"]) -> tuple[TrainRecord, ...]:
    """The records to train on.

    Args:
        data: What was read.
        policy: What to do where some cannot be used.

    Raises:
        InputError: Some cannot be used and the policy is to refuse, or none can.
    """
    if data.unusable and (policy == "refuse" or not data.records):
        count = len(data.unusable)
        raise InputError(
            data.unusable,
            f"{count:,} of {count + len(data.records):,} records cannot be used; --set data.unusable=skip leaves them "
            "out and lists them",
        )
    return data.records


def _content(path: str | Path) -> FileBytes:
    try:
        size = Path(path).stat().st_size
    except OSError:
        size = 0  # reading it says what is wrong
    # The limit is also what is set aside for the file, so it is no larger than a large file needs.
    return read_bytes(path, max_bytes=max(size, MAX_BYTES))


def _values(content: FileBytes, where: str, unusable: list[Problem]) -> Iterator[tuple[int, int, Any]]:
    """Number, line or place, and value of each entry."""
    data = content.data
    if data.lstrip()[:1] != b"[":
        for number, (line, value) in enumerate(iter_json_lines(content, unusable, lenient=True)):
            yield number, line, value
        return
    try:
        table = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Problem(f"no valid JSON ({error})", "a JSON list of records", "write it again", where)
        ) from error
    for number, value in enumerate(table):
        yield number, number, value


def _record(value: Any, number: int, where: str, folder: Path | None) -> TrainRecord | Problem:
    if not isinstance(value, dict):
        return Problem(f"a JSON {type(value).__name__}", "an object with conversations", "correct it", where)
    where = f"{where} ({value['id']})" if value.get("id") is not None else where
    messages = value.get("conversations")
    if not isinstance(messages, list) or not messages:
        return Problem("no conversations", "a list of messages", "correct it", where)
    for message in messages:
        if not isinstance(message, dict) or message.get("from") not in ("human", "gpt"):
            return Problem(f"the message {str(message)[:60]!r}", "from: human or gpt", "correct it", where)
        if not isinstance(message.get("value"), str):
            return Problem("a message without text", "value: text", "correct it", where)
    if not any(message["from"] == "gpt" and message["value"].strip() for message in messages):
        return Problem("no answer to learn from", "a message from gpt", "correct it", where)
    found = _media(value, where, folder)
    if isinstance(found, Problem):
        return found
    kind, files = found
    told = [
        {"from": message["from"], "value": message["value"].replace(VIDEO_MARK, IMAGE_MARK)} for message in messages
    ]
    if files and not any(IMAGE_MARK in message["value"] for message in told):
        _mark_first_question(told)
    return TrainRecord(str(value.get("id", number)), number, kind, files, tuple(told))


def _mark_first_question(messages: list[dict[str, str]]) -> None:
    """A picture that nothing marks would not be seen."""
    first = next((message for message in messages if message["from"] == "human"), None)
    if first is not None:
        first["value"] = f"{IMAGE_MARK}\n{first['value']}"


def _media(value: Mapping[str, Any], where: str, folder: Path | None) -> tuple[Kind, tuple[Path, ...]] | Problem:
    image, video = value.get("image"), value.get("video")
    if image and video:
        return Problem("a picture and a video", "one of them", "make two records of it", where)
    given = image or video
    names = given if isinstance(given, list) else [given] if given else []
    if not all(isinstance(name, str) for name in names) or (video and len(names) != 1):
        return Problem(f"{given!r}", "a path, or for pictures a list of paths", "correct it", where)
    if not names:
        return "text", ()
    if folder is None:
        return Problem(f"the file {names[0]!r}", "a folder to look for it in", "give --media DIR", where)
    files = []
    for name in names:
        place = folder / name
        # A data file comes from elsewhere: it must not reach outside the folder it was given.
        if Path(name).is_absolute() or ".." in Path(name).parts:
            return Problem(f"the path {name!r}", "a path below the media folder", "correct it", where)
        if not place.exists():
            return Problem(f"no file {name!r}", "it in the media folder", "fetch it, or correct the path", where)
        files.append(place)
    if video:
        film = files[0].is_dir() or files[0].suffix == ".pkl"
        return ("film" if film else "video"), tuple(files)
    return "image", tuple(files)


Check = Callable[[TrainRecord], Problem | None]
"""What a model cannot use about a record; None where nothing is wrong."""


def checked(data: TrainData, check: Check) -> TrainData:
    """The same data, with records that a model cannot use among the unusable."""
    records: list[TrainRecord] = []
    unusable = list(data.unusable)
    for record in data.records:
        problem = check(record)
        if problem is None:
            records.append(record)
        else:
            unusable.append(problem)
    return TrainData(tuple(records), tuple(unusable), data.sha256)


def in_turns(messages: Sequence[Mapping[str, str]], where: str) -> Problem | None:
    """Whether user and model speak in turn, once a first message of the model is left out."""
    spoken = messages[1:] if messages[0]["from"] == "gpt" else messages
    for number, message in enumerate(spoken):
        if (message["from"] == "human") != (number % 2 == 0):
            return Problem("two messages in a row from one side", "human and gpt in turn", "join them", where)
    return None if len(spoken) > 1 else Problem("no exchange", "a question and its answer", "correct it", where)
