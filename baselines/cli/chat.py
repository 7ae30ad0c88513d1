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


LARGEST_UPLOAD_MB = 1024
"""Of the page, which keeps a file in memory: 24 minutes of a film's features; longer ones are for the terminal."""


def chat(
    media: Annotated[
        Path | None, typer.Argument(help="Video, image, or feature file of LLaMA-VID.", show_default=False)
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="Folder or Hub name, or a name on --base-url. For --page several, with options: 'NAME --fps 2'.",
        ),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Frames of a video; with --fps the most of them. Default: 8, or as many as fit.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second of a video. Default: 1 for LLaMA-VID, others by number.")
    ] = None,
    token_kept_ratio: Annotated[
        float | None, typer.Option(help="Share of visual tokens to keep, 0 to 1; AuroraCap.")
    ] = None,
    compressor: Annotated[
        str | None,
        typer.Option(metavar="K,s", help="Before decoder layer K, s visual tokens become one; or none; LLaVolta."),
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

    Questions may also come from a pipe. --page opens a page for several models side by side.

    Example: vdc chat --model MODEL clip.mp4
    """
    from baselines.captioning.chat import Conversation, open_chat_model
    from baselines.captioning.clips import check_exists, read_media
    from baselines.captioning.types import DTYPES, QUANTIZATIONS, ModelSettings
    from vdc.errors import InputError, Problem

    if page:
        shared = {
            "--base-url": base_url,
            "--frames": frames,
            "--fps": fps,
            "--token-kept-ratio": token_kept_ratio,
            "--compressor": compressor,
            "--quantize": quantize,
            "--revision": revision,
            "--dtype": None if dtype == "auto" else dtype,
        }
        raise typer.Exit(_open_page(model or [], shared))
    if media is None or len(model or []) != 1:
        raise InputError(
            Problem(
                f"{len(model or [])} models and {'a' if media else 'no'} file",
                "one model and one video, image or feature file",
                "vdc chat --model MODEL clip.mp4, or --page for the page",
            )
        )
    settings = ModelSettings(
        model=(model or [""])[0],
        revision=revision,
        frames=frames,
        fps=fps,
        token_kept_ratio=token_kept_ratio,
        compressor=compressor,
        max_new_tokens=max_new_tokens,
        dtype=choose("--dtype", dtype, DTYPES),
        quantize=None if quantize is None else choose("--quantize", quantize, QUANTIZATIONS),
    )
    check_exists(media)
    opened = open_chat_model(settings, base_url=base_url, device=device)
    talk(Conversation(opened, read_media(media, opened.view)), _questions(), forgiving=sys.stdin.isatty())


def talk(conversation: Conversation, questions: Iterable[str], *, forgiving: bool = False) -> None:
    """Answer questions on stdout until they end or one says ``/quit``.

    Args:
        conversation: Whose questions they are.
        questions: Lines.
        forgiving: A question that cannot be answered does not end a conversation that has begun: the person who
            asked can say ``/reset``, or something shorter. A pipe cannot.

    Raises:
        InputError: A question that cannot be answered.
    """
    from vdc.errors import InputError

    for line in questions:
        question = line.strip()
        if question == "/quit":
            return
        if question == "/reset":
            conversation.forget()
        elif question:
            try:
                for piece in conversation.ask(question):
                    typer.echo(_printable(piece), nl=False)
            except InputError as error:
                if not (forgiving and conversation.turns):
                    raise
                typer.echo(f"vdc: {_printable(str(error))}", nl=False, err=True)
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


def _open_page(models: list[str], options: dict[str, str | float | None]) -> int:
    """Run the page until Ctrl-C; returns its exit code."""
    import subprocess
    from importlib.util import find_spec

    from vdc.errors import MissingExtra

    if find_spec("streamlit") is None:
        raise MissingExtra("the page", "baselines")
    from baselines.app.model_lines import write_lines

    page = str(Path(__file__).parents[1] / "app" / "try_model.py")
    # Who reaches the page can load any model of this machine, so only this machine reaches it.
    settings = [
        "--server.address=127.0.0.1",
        f"--server.maxUploadSize={LARGEST_UPLOAD_MB}",
        "--server.fileWatcherType=none",  # it would import every module that transformers loads only when needed
        "--browser.gatherUsageStats=false",
        "--client.toolbarMode=minimal",
    ]
    given = [word for name, value in options.items() if value is not None for word in (name, str(value))]
    words = [word for line in write_lines(models, given) for word in ("--model", line)]
    # the arguments are names of this call; no shell sees them
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "streamlit", "run", page, *settings, "--", *words], check=False
    ).returncode
