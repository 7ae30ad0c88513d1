"""``vdc data pull``: files of a set on the Hub, copied into a folder of the user's."""

from __future__ import annotations

from pathlib import Path

from vdc.benchmark.folder import Origin, hash_files, write_origin
from vdc.benchmark.hub import HUB_ALIASES, PUBLISHED_SET, fetch, is_hub_name
from vdc.benchmark.parquet import EXPORT_FILES, is_export
from vdc.errors import InputError, Problem, unknown_name
from vdc.textio import read_bytes, show_path, write_atomic


def pull(
    name: str,
    folder: Path,
    *,
    revision: str | None = None,
    endpoint: str | None = None,
    cache_dir: Path | None = None,
    replace: bool = False,
) -> Origin:
    """Copy the question and caption files of a set (no videos) into a folder, byte for byte.

    Args:
        name: ``vdc`` for the published set, or ``owner/set``.
        folder: Made if it does not exist.
        revision: Branch, tag or commit.
        endpoint: Address of the Hub, when not the usual one.
        cache_dir: The Hub library's cache, when not its own default.
        replace: Write over files of other content.

    Returns:
        What was written, and the commit it belongs to. It is also recorded in the folder, so that
        :func:`~vdc.load_benchmark` on the folder gives the set's name and commit.

    Raises:
        InputError: No Hub name, nothing to be had from the Hub, or files of other content in the folder.
        RunFailed: The folder cannot be written.
    """
    hub_name = HUB_ALIASES.get(name, name)
    if not is_hub_name(hub_name):
        raise InputError(unknown_name("Hub set", name, [*HUB_ALIASES, PUBLISHED_SET]))
    snapshot = fetch(hub_name, revision=revision, endpoint=endpoint, cache_dir=cache_dir)
    if is_export(snapshot.folder):
        there = [snapshot.folder / name for name in EXPORT_FILES]
        files = {path.name: read_bytes(path) for path in there if path.is_file()}
    else:
        files = hash_files(snapshot.folder)
    changed = [
        Problem(
            found="another file of this name",
            expected="no file, or the same one",
            do_next="choose an empty folder, or pass --replace",
            where=show_path(folder / file),
        )
        for file, content in files.items()
        if (folder / file).exists() and (folder / file).read_bytes() != content.data
    ]
    if changed and not replace:
        raise InputError(changed)
    for file, content in files.items():
        write_atomic(folder / file, content.data)
    origin = Origin(hub_name, snapshot.commit, {file: content.sha256 for file, content in files.items()})
    write_origin(folder, origin)
    return origin
