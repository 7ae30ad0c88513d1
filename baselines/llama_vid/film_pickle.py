"""Published feature files: a pickle of ``feats`` and ``inputs`` per film, as large as the film is long.

Both ways are taken without holding the array in memory: it is written frame by frame behind a hand-made head, and read
as a memory map of the place where its bytes lie in the file. Nothing a file asks for is ever looked up but the four
names that an array is made of, so a file cannot run code.
"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from vdc.errors import InputError, Problem

MAPPED_BYTES: Final = 1 << 20
"""Byte strings from this size on stay in the file; the pickler puts them outside of its frames."""

MAX_REST_BYTES: Final = 64 << 20
"""Most of a file beside such strings: texts and numbers; the subtitles of a film are some hundred kilobytes."""

_INSTRUCTIONS: Final = {op.code: op for op in pickletools.opcodes}
_TWO_LINES: Final = (pickle.GLOBAL, pickle.INST)
"""Instructions whose argument is two lines."""

_LENGTHS: Final = {"B": "<I", "\x8e": "<Q", "\x96": "<Q"}
"""Opcodes BINBYTES, BINBYTES8 and BYTEARRAY8 -> form of the length behind them."""

_BROKEN: Final = (
    pickle.UnpicklingError,
    *(EOFError, ValueError, TypeError, AttributeError, ImportError, IndexError, KeyError),
    *(struct.error, OverflowError, RecursionError),
)
"""What a broken or strange pickle makes its reader raise."""


def write_feature_file(path: str | Path, features: NDArray[Any], inputs: str) -> None:
    """Write a film as the published code reads it, whole or not at all.

    Args:
        path: The file.
        features: ``(frames, tokens, dim)``, for example a memory map; one frame at a time is in memory.
        inputs: One mark per frame with the subtitles between them.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(pickle.PROTO + b"\x04" + pickle.EMPTY_DICT + pickle.MARK + _piece("inputs") + _piece(inputs))
            file.write(_piece("feats") + _array_head(features))
            for frame in features:
                file.write(np.ascontiguousarray(frame).tobytes())
            file.write(pickle.TUPLE + pickle.BUILD + pickle.SETITEMS + pickle.STOP)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def read_feature_file(path: str | Path) -> tuple[NDArray[Any], str]:
    """Array and text of a published file; a large array is a private memory map of the file.

    Raises:
        InputError: No file, no such pickle, one that asks for anything but arrays, or another content.
    """
    source = Path(path)
    expected = "a published feature file: feats and inputs"
    try:
        with source.open("rb") as file:
            rest, payloads = _set_aside(file)
        table = _ArraysOnly(io.BytesIO(rest)).load()
        if not isinstance(table, dict) or not isinstance(table.get("inputs"), str):
            raise pickle.UnpicklingError("another content")
        stored = table.get("feats")
        if not isinstance(stored, _StoredArray):
            raise pickle.UnpicklingError("feats that are no array")
        return stored.open(source, payloads), table["inputs"]
    except FileNotFoundError as error:
        raise InputError(Problem("no file or folder", expected, "check the path", str(source))) from error
    except _BROKEN as error:
        found = f"a file that cannot be used ({error})"
        raise InputError(Problem(found, expected, "extract it again", str(source))) from error


def _piece(value: Any) -> bytes:
    """A value as it stands inside a pickle: without protocol mark, frames and stop."""
    return pickle.dumps(value, protocol=2)[2:-1]


def _array_head(features: NDArray[Any]) -> bytes:
    """Everything of a pickled array up to its bytes, with the names that every release of NumPy knows."""
    made = pickle.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n" + pickle.GLOBAL + b"numpy\nndarray\n"
    made += _piece((0,)) + pickle.SHORT_BINBYTES + b"\x01b" + pickle.TUPLE3 + pickle.REDUCE
    state = _piece(1) + _piece(features.shape) + _piece(features.dtype) + _piece(False)
    return made + pickle.MARK + state + pickle.BINBYTES8 + struct.pack("<Q", features.nbytes)


@dataclass(frozen=True, slots=True)
class _Payload:
    """Where a large byte string lies in the file."""

    offset: int
    size: int


def _set_aside(file: BinaryIO) -> tuple[bytes, dict[bytes, _Payload]]:
    """The pickle with every large byte string replaced by a short name for it, and where they lie."""
    size = os.fstat(file.fileno()).st_size
    rest = bytearray()
    payloads: dict[bytes, _Payload] = {}
    for code, head, length in _opcodes(file):
        if length is None or length < MAPPED_BYTES:
            rest += code + head + (b"" if length is None else _exactly(file, length))
        else:
            offset = file.tell()
            if offset + length > size:
                raise EOFError("it ends inside the array")
            name = f"payload {len(payloads)} at {offset}".encode()
            payloads[name] = _Payload(offset, length)
            rest += pickle.SHORT_BINBYTES + bytes([len(name)]) + name
            file.seek(length, os.SEEK_CUR)
        if len(rest) > MAX_REST_BYTES:
            raise ValueError(f"more than {MAX_REST_BYTES:,} bytes that are no array; protocol 3 or newer is read")
        if code == pickle.STOP:
            return bytes(rest), payloads
    raise EOFError("it ends before its last mark")


def _opcodes(file: BinaryIO) -> Iterator[tuple[bytes, bytes, int | None]]:
    """Opcode by opcode: its byte, its argument, and for byte strings the length of what follows instead of it."""
    while code := file.read(1):
        op = _INSTRUCTIONS.get(code.decode("latin-1"))
        if op is None:
            raise pickle.UnpicklingError(f"byte {code!r} is no instruction")
        form = _LENGTHS.get(op.code)
        if code in _TWO_LINES:
            yield code, file.readline(MAX_REST_BYTES) + file.readline(MAX_REST_BYTES), None
        elif form is not None:
            head = _exactly(file, struct.calcsize(form))
            yield code, head, int(struct.unpack(form, head)[0])
        else:
            yield code, b"" if op.arg is None else _argument(file, op.arg.n), None


def _argument(file: BinaryIO, kind: int) -> bytes:
    """The argument of an instruction, by the way its length is told."""
    if kind >= 0:
        return _exactly(file, kind)
    if kind == pickletools.UP_TO_NEWLINE:
        return file.readline(MAX_REST_BYTES)
    form = {
        pickletools.TAKEN_FROM_ARGUMENT1: "<B",
        pickletools.TAKEN_FROM_ARGUMENT4: "<i",
        pickletools.TAKEN_FROM_ARGUMENT4U: "<I",
        pickletools.TAKEN_FROM_ARGUMENT8U: "<Q",
    }[kind]
    head = _exactly(file, struct.calcsize(form))
    length = int(struct.unpack(form, head)[0])
    if not 0 <= length <= MAX_REST_BYTES:
        raise ValueError(f"a text of {length:,} bytes")
    return head + _exactly(file, length)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError("it ends too early")
    return data


class _StoredArray:
    """Stands for an array while the pickle is read: what it is, and the name of its bytes."""

    def __init__(self, *state: Any) -> None:
        self._state = state

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self._state = (data, dtype, shape, "F" if fortran else "C")

    def open(self, path: Path, payloads: dict[bytes, _Payload]) -> NDArray[Any]:
        """The array, mapped where it is large."""
        data, dtype, shape, order = self._state
        dtype = np.dtype(dtype)
        if dtype.kind != "f" or any(not isinstance(side, int) or side < 0 for side in shape):
            raise ValueError(f"an array of {dtype} with shape {shape}")
        payload = payloads.get(bytes(data))
        size = len(data) if payload is None else payload.size
        if prod(shape) * dtype.itemsize != size:
            raise ValueError(f"{size:,} bytes for shape {shape} of {dtype}")
        if payload is None:
            # torch asks for memory that may be written to
            return np.frombuffer(bytearray(data), dtype).reshape(shape, order=order)
        return np.memmap(path, dtype, mode="c", offset=payload.offset, shape=tuple(shape), order=order)


def _reconstruct(*_: Any) -> _StoredArray:
    return _StoredArray()


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> _StoredArray:
    return _StoredArray(data, dtype, shape, order)


_ALLOWED: Final[dict[tuple[str, str], Any]] = {
    ("numpy", "ndarray"): _StoredArray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy._core.numeric", "_frombuffer"): _from_buffer,
    ("_codecs", "encode"): lambda text, _: text.encode("latin-1"),
}
"""What an array needs to come out of a pickle, and what stands for it here."""


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs")
        return _ALLOWED[module, name]
