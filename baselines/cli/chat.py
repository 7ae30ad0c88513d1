"""``vdc chat``: ask a model about one clip or picture."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baselines.cli.caption import choose

if TYPE_CHECKING:
    from baselines.captioning.chat import Conversation


def chat(
    media: Annotated[Path | None, typer.Argument(help="Video or image.", show_default=False)] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="Folder or Hub name, or a name on --base-url; several for --page."),
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames taken from a video.")] = 8,
    token_kept_ratio: Annotated[
        float | None, typer.Option(help="Share of visual tokens to keep, 0 to 1; AuroraCap.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible server whose model takes images.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, tokens.")] = 256,
    dtype: Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.")] = "auto",
    quantize: Annotated[str | None, typer.Option(help="Load in 4bit or 8bit.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, ... or auto. Default: a GPU, else the CPU.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.")] = None,
    page: Annotated[bool, typer.Option("--page", help="Open a page in the browser instead.")] = False,
) -> None:
    """Ask a model about a clip or picture: a question per line, /reset to begin anew, /quit to end.

    Questions may also come from a pipe. Example: vdc chat --model MODEL clip.mp4
    """
    from baselines.captioning.chat import Conversation, open_chat_model
    from baselines.captioning.clips import check_frames, read_media
    from baselines.captioning.types import DTYPES, QUANTIZATIONS, ModelSettings
    from vdc.errors import InputError, Problem

    if page:
        raise typer.Exit(_open_page(model or [], base_url))
    if media is None or len(model or []) != 1:
        raise InputError(
            Problem(
                f"{len(model or [])} models and {'a' if media else 'no'} file",
                "one model and one video or image",
                "vdc chat --model MODEL clip.mp4, or --page for the page",
            )
        )
    check_frames(frames)
    settings = ModelSettings(
        model=(model or [""])[0],
        revision=revision,
        frames=frames,
        token_kept_ratio=token_kept_ratio,
        max_new_tokens=max_new_tokens,
        dtype=choose("--dtype", dtype, DTYPES),
        quantize=None if quantize is None else choose("--quantize", quantize, QUANTIZATIONS),
    )
    pictures = read_media(media, frames)
    conversation = Conversation(open_chat_model(settings, base_url=base_url, device=device), pictures)
    talk(conversation, _questions())


def talk(conversation: Conversation, questions: Iterable[str]) -> None:
    """Answer questions on stdout until they end or one says ``/quit``."""
    for line in questions:
        question = line.strip()
        if question == "/quit":
            return
        if question == "/reset":
            conversation.forget()
        elif question:
            for piece in conversation.ask(question):
                typer.echo(_printable(piece), nl=False)
            typer.echo()


def _questions() -> Iterator[str]:
    """Lines of stdin, after a prompt on a terminal."""
    while True:
        if sys.stdin.isatty():
            typer.echo("> ", nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            return
        yield line


def _printable(text: str) -> str:
    # what a model writes must not move the cursor or change the terminal
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def _open_page(models: list[str], base_url: str | None) -> int:
    """Run the page until Ctrl-C; returns its exit code."""
    import subprocess
    from importlib.util import find_spec

    from vdc.errors import MissingExtra

    spec = find_spec("baselines.app.try_model")
    if find_spec("streamlit") is None or spec is None:
        raise MissingExtra("the page", "baselines")
    command = [sys.executable, "-m", "streamlit", "run", str(spec.origin), "--browser.gatherUsageStats", "false"]
    words = [word for model in models for word in ("--model", model)] + (["--base-url", base_url] if base_url else [])
    # the arguments are names of this call; no shell sees them
    return subprocess.run([*command, "--", *words], check=False).returncode  # noqa: S603
