"""Takes texts out of a Python file without running it, by its syntax tree."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator, Mapping

from scoring.prompts.published import Locator

MAX_SOURCE_CHARACTERS = 4_000_000


class UnreadableSourceError(ValueError):
    """The file is no Python, or none that can be parsed."""


def parse_source(data: bytes) -> ast.Module:
    """Syntax tree of a Python file.

    Args:
        data: Its bytes; UTF-8, with or without a byte order mark.

    Raises:
        UnreadableSourceError: It is not UTF-8, not Python, or nested deeper than the parser can follow.
    """
    if len(data) > MAX_SOURCE_CHARACTERS:
        raise UnreadableSourceError(f"{len(data)} bytes are more than a script has")
    try:
        return ast.parse(data.decode("utf-8-sig"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnreadableSourceError(f"{type(error).__name__}: {error}") from error


def read_text(tree: ast.Module, locator: Locator, fields: Mapping[str, str]) -> str | None:
    """The text at a place, with its replacement fields as our placeholders.

    Args:
        tree: From :func:`parse_source`.
        locator: Where the text stands.
        fields: Source expression -> placeholder name. An expression that is not among them stays as it is, in braces,
            so that the hash shows the difference.

    Returns:
        The text as Python joins it (adjacent literals, escapes), white space at its ends kept; None where the file has
        no such place or something other than a text stands there.
    """
    node = _find(tree, locator)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _fill_template(node.value, fields) if locator.kind == "template" else node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_part(part, fields) for part in node.values)
    return None


def _part(part: ast.expr, fields: Mapping[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    if isinstance(part, ast.FormattedValue) and part.conversion == -1 and part.format_spec is None:
        expression = ast.unparse(part.value)
        return "{" + fields.get(expression, expression) + "}"
    return ast.unparse(part)


def _fill_template(text: str, fields: Mapping[str, str]) -> str | None:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return None
    return "".join(
        literal + ("" if name is None else "{" + fields.get(name, name) + (f":{spec}" if spec else "") + "}")
        for literal, name, spec, _ in parts
    )


def _find(tree: ast.Module, locator: Locator) -> ast.expr | None:
    if locator.kind in ("constant", "template"):
        return _assigned(tree.body, locator.name)
    function = next(
        (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == locator.function), None
    )
    if function is None:
        return None
    if locator.kind == "call":
        calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
        named = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == locator.name)
        return next((call.args[0] for call in named if call.args), None)
    if locator.kind == "local":
        return _assigned(_statements(function), locator.name)
    messages = _assigned(_statements(function), "messages")
    if not isinstance(messages, ast.List) or len(messages.elts) <= locator.index:
        return None
    message = messages.elts[locator.index]
    if not isinstance(message, ast.Dict):
        return None
    return next(
        (
            value
            for key, value in zip(message.keys, message.values, strict=True)
            if isinstance(key, ast.Constant) and key.value == "content"
        ),
        None,
    )


def _statements(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    return (node for node in ast.walk(function) if isinstance(node, ast.stmt))


def _assigned(statements: Iterator[ast.stmt] | list[ast.stmt], name: str) -> ast.expr | None:
    """Value of the last assignment to a name, which is the one in force."""
    found: ast.expr | None = None
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets: list[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            found = statement.value
    return found
