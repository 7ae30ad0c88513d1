"""Calls per second of our runner against a bare aiohttp loop and AsyncOpenAI, in one run, on one fake server.

    python benchmarks/judge_throughput.py [--calls 20000] [--latency-ms 20] [--rounds 3] [--write]

The server runs in a process of its own; every client too, so that its processor time and memory can be told apart.
The rounds alternate between the clients and the best round of each counts, because other work on the machine only ever
slows a round down. ``--write`` replaces the table in docs/benchmarks/judge_throughput.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

TABLE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "judge_throughput.md"
CAPTION = "A cook in a white apron slices an onion on a wooden board, then stirs a copper pot while steam rises. " * 12
SCHEMA = {
    "type": "object",
    "properties": {"pred": {"type": "string", "enum": ["yes", "no"]}, "score": {"type": "integer"}},
    "required": ["pred", "score"],
    "additionalProperties": False,
}
OPENAI_CALLS_AT_MOST = 4000
CASES = (
    ("aiohttp", 64),
    ("aiohttp", 256),
    ("openai", 64),
    ("runner", 64),
    ("runner", 256),
    ("runner-asyncio", 256),
)
NAMES = {
    "aiohttp": "bare aiohttp loop",
    "openai": "AsyncOpenAI",
    "runner": "vdc runner, reply store included",
    "runner-asyncio": "the same without uvloop",
}


def texts(index: int) -> tuple[str, str]:
    """System and user message of a call; about 1,300 characters, as a judge's."""
    return (
        "You grade whether an answer means the same as a reference. Reply with JSON fields pred and score.",
        f"<caption>{CAPTION}</caption>\nQuestion {index}: what does the cook stir?",
    )


async def bare(base_url: str, calls: int, in_flight: int) -> None:
    """The least that any client must do: send, receive, parse."""
    import aiohttp

    gate = asyncio.Semaphore(in_flight)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def call(index: int) -> None:
            system, user = texts(index)
            body = {
                "model": "m",
                "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
                "temperature": 0.0,
                "max_tokens": 64,
            }
            async with gate, session.post(f"{base_url}/chat/completions", json=body) as response:
                assert (await response.json())["choices"][0]["message"]["content"]

        await in_turn(call, calls, in_flight)


async def openai(base_url: str, calls: int, in_flight: int) -> None:
    """The vendor's asynchronous client."""
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam

    gate = asyncio.Semaphore(in_flight)
    async with AsyncOpenAI(base_url=base_url, api_key="none") as client:

        async def call(index: int) -> None:
            system, user = texts(index)
            messages: list[ChatCompletionMessageParam] = [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ]
            async with gate:
                reply = await client.chat.completions.create(
                    model="m", messages=messages, temperature=0.0, max_tokens=64
                )
            assert reply.choices[0].message.content

        await in_turn(call, calls, in_flight)


async def in_turn(call: Callable[[int], Awaitable[None]], calls: int, in_flight: int) -> None:
    """Makes the calls from as many tasks as may be in flight."""
    indices: Iterator[int] = iter(range(calls))

    async def worker() -> None:
        for index in indices:
            await call(index)

    await asyncio.gather(*(worker() for _ in range(in_flight)))


def runner(base_url: str, calls: int, in_flight: int) -> None:
    """Our runner as scoring uses it: ordered results in another thread, store in a fresh file, schema asked for."""
    from vdc.llm.client import ChatClient
    from vdc.llm.endpoint import parse_endpoint
    from vdc.llm.ordered import replies_in_order
    from vdc.llm.runner import RunnerConfig
    from vdc.llm.store import ReplyStore
    from vdc.llm.types import ChatRequest, Message, Sampling

    def requests() -> Iterator[ChatRequest]:
        for index in range(calls):
            system, user = texts(index)
            yield ChatRequest(
                "m",
                (Message("system", system), Message("user", user)),
                Sampling(max_tokens=64),
                json_schema=SCHEMA,
                scope=f"video/short/{index}",
            )

    with tempfile.TemporaryDirectory() as folder, ReplyStore(Path(folder) / "replies.sqlite") as store:
        client = ChatClient(parse_endpoint(base_url, {}), store)
        config = RunnerConfig(concurrency=in_flight)
        with replies_in_order(requests(), client=client, store=store, config=config) as replies:
            count = sum(reply.status == "ok" for reply in replies)
        assert count == calls == store.info().replies, (count, calls)


def measure(kind: str, base_url: str, calls: int, in_flight: int) -> dict[str, float]:
    """One client's run in this process: calls/s, CPU s per 1,000 calls, most memory in MB."""
    import aiohttp  # noqa: F401 - import time is not what is measured

    if kind == "openai":
        import openai as package  # noqa: F401
    if kind.startswith("runner"):
        import vdc.llm.ordered
    if kind == "runner-asyncio":
        vdc.llm.ordered.new_event_loop = asyncio.new_event_loop  # type: ignore[attr-defined]
    before, started = os.times(), time.perf_counter()
    if kind.startswith("runner"):
        runner(base_url, calls, in_flight)
    else:
        asyncio.run((bare if kind == "aiohttp" else openai)(base_url, calls, in_flight))
    seconds, after = time.perf_counter() - started, os.times()
    used = after.user + after.system - before.user - before.system
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return {"calls_per_s": calls / seconds, "cpu_s_per_1000": 1000 * used / calls, "rss_mb": kilobytes / 1024}


def table(best: dict[tuple[str, int], dict[str, float]], calls: int, latency_ms: float) -> str:
    """The results as Markdown."""
    lines = [
        "# Judge throughput",
        "",
        f"{calls:,} calls ({min(calls, OPENAI_CALLS_AT_MOST):,} for AsyncOpenAI) of about 1,400 characters each to the",
        f"project's fake server with {latency_ms:g} ms latency; client and server are processes on the same machine:",
        f"{os.cpu_count()}-core CPU ({platform.machine()}), {platform.system()}, Python {platform.python_version()}.",
        "Best round of each client; ratios are to the bare loop with as many calls in flight.",
        "",
        "| client | in flight | calls/s | ratio | CPU s per 1,000 calls | memory, MB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind, in_flight in CASES:
        row = best[kind, in_flight]
        ratio = row["calls_per_s"] / best["aiohttp", in_flight]["calls_per_s"]
        lines.append(
            f"| {NAMES[kind]} | {in_flight} | {row['calls_per_s']:,.0f} | {ratio:.2f} | {row['cpu_s_per_1000']:.2f} "
            f"| {row['rss_mb']:.0f} |"
        )
    lines += ["", "Made by `python benchmarks/judge_throughput.py --write`.", ""]
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="write the table into the docs")
    parser.add_argument("--only", nargs=3, metavar=("KIND", "URL", "IN_FLIGHT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        kind, url, in_flight = options.only
        json.dump(measure(kind, url, options.calls, int(in_flight)), sys.stdout)
        return
    server = subprocess.Popen(
        [sys.executable, "-m", "vdc.llm.fake_server", "--latency-ms", str(options.latency_ms)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    best: dict[tuple[str, int], dict[str, float]] = {}
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        for number in range(options.rounds):
            for kind, in_flight in CASES:
                calls = min(options.calls, OPENAI_CALLS_AT_MOST) if kind == "openai" else options.calls
                command = [sys.executable, __file__, "--calls", str(calls), "--only", kind, url, str(in_flight)]
                row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(f"round {number + 1}: {NAMES[kind]}, {in_flight} in flight: {row}", file=sys.stderr)
                known = best.get((kind, in_flight))
                if known is None or row["calls_per_s"] > known["calls_per_s"]:
                    best[kind, in_flight] = row
    finally:
        server.terminate()
        server.wait()
    text = table(best, options.calls, options.latency_ms)
    print(text)
    if options.write:
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
