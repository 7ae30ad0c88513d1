"""Published wordings are read from a user's copy without running it, and stored only when their hashes hold.

The scripts here have the shape of the published scorers and a wording of this project; the hash table is theirs.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scoring.cli.prompts import app
from scoring.prompts import catalog, importer
from scoring.prompts.catalog import list_prompts, load_prompts, stored_file
from scoring.prompts.importer import import_prompts
from scoring.prompts.model import PIECES
from scoring.prompts.published import Variant, published_variants, read_variants
from vdc.cli import main
from vdc.errors import InputError

DECORATED = """
raise SystemExit("this file must never run")
@function
def make_reply(s, cap, q):
    s += system(
        "You read. "
        "Rules:\\n"
        "- Be short.\\n"
    )
    s += user(
        "Look:\\n\\n"
        f"text: {cap}, question: {q}"
        "Only the reply."
    )
    s += assistant(gen("x"))

@function
def make_grade(s, qa):
    s += system("You grade.")
    s += user(
        f"Q: {qa['question']}\\nA: {qa['answer']}\\nP: {qa['response']}\\n"
        "Write {'pred': 'yes', 'score': 4}."
    )
"""

MESSAGES = """
def make_reply(question, caption, retries: int = 5):
    messages = [
        {"role": "system", "content": "You read. " "Rules:\\n" "- Be short.\\n"},
        {"role": "user", "content": "Look:\\n\\n" f"text: {caption}, question: {question}" "Only the reply."},
    ]
    send(messages)

def make_grade(question, answer, said):
    messages = [
        {"role": "system", "content": "You grade."},
        {
            "role": "user",
            "content": f"Q: {question}\\nA: {answer}\\nP: {said}\\n" "Write {'pred': 'yes', 'score': 4}.",
        },
    ]
    send(messages)
"""

TEMPLATES = '''
READ_SYSTEM = """Read it.

"""
READ_USER = """Text: {cap}
Question: {q}
Reply like {{this}}."""
GRADE_SYSTEM = """Grade it.
"""
GRADE_USER = """never used {x}"""

def grade_prompt(item):
    prompt = f"""Q: {item['question']}\\n
            A: {item['answer']}
            P: {item['pred']}
            Like {{'pred': 'yes'}}."""
    return prompt
'''

DECORATED_TEXTS = {
    "step1_system": "You read. Rules:\n- Be short.\n",
    "step1_user": "Look:\n\ntext: {caption}, question: {question}Only the reply.",
    "step2_system": "You grade.",
    "step2_user": "Q: {question}\nA: {answer}\nP: {response}\nWrite {'pred': 'yes', 'score': 4}.",
}
TEMPLATE_TEXTS = {
    "step1_system": "Read it.\n\n",
    "step1_user": "Text: {caption}\nQuestion: {question}\nReply like {this}.",
    "step2_system": "Grade it.\n",
    "step2_user": "Q: {question}\n\n".ljust(27)
    + "A: {answer}\n            P: {response}\n            Like {'pred': 'yes'}.",
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def row(name: str, repo: str, file: str, texts: dict[str, str], where: dict[str, Any], fields: dict[str, Any]) -> Any:
    def rendered(text: str) -> str:
        for field in ("caption", "question", "answer", "response"):
            text = text.replace("{" + field + "}", field.upper())
        return text

    return {
        "variant": name,
        "repo": repo,
        "commit": "0" * 40,
        "file": file,
        "pieces": {
            piece: {
                "locator": where[piece],
                "fields": fields[piece],
                "sha256": digest(text.strip()),
                "sha256_rendered": digest(rendered(text)),
            }
            for piece, text in texts.items()
        },
    }


def calls() -> dict[str, Any]:
    return {
        f"step{step}_{role}": {"kind": "call", "function": function, "name": role}
        for step, function in ((1, "make_reply"), (2, "make_grade"))
        for role in ("system", "user")
    }


NO_FIELDS: dict[str, dict[str, str]] = {"step1_system": {}, "step2_system": {}}
CALL_FIELDS = {
    **NO_FIELDS,
    "step1_user": {"cap": "caption", "q": "question"},
    "step2_user": {"qa['question']": "question", "qa['answer']": "answer", "qa['response']": "response"},
}
TABLE = {
    "variants": [
        row("decorated", "some/scorer", "post/score.py", DECORATED_TEXTS, calls(), CALL_FIELDS),
        row("decorated_copy", "some/scorer", "src/harness/tasks/vid/score.py", DECORATED_TEXTS, calls(), CALL_FIELDS),
        row("harness", "other/harness", "tasks/vid/score.py", DECORATED_TEXTS, calls(), CALL_FIELDS),
        row(
            "messages",
            "other/harness",
            "tasks/vid/score.py",
            DECORATED_TEXTS,
            {
                f"step{step}_{role}": {"kind": "message", "function": function, "index": index}
                for step, function in ((1, "make_reply"), (2, "make_grade"))
                for index, role in enumerate(("system", "user"))
            },
            {
                **NO_FIELDS,
                "step1_user": {"caption": "caption", "question": "question"},
                "step2_user": {"question": "question", "answer": "answer", "said": "response"},
            },
        ),
        row(
            "templates",
            "third/kit",
            "kit/utils/vid.py",
            TEMPLATE_TEXTS,
            {
                "step1_system": {"kind": "constant", "name": "READ_SYSTEM"},
                "step1_user": {"kind": "template", "name": "READ_USER"},
                "step2_system": {"kind": "constant", "name": "GRADE_SYSTEM"},
                "step2_user": {"kind": "local", "function": "grade_prompt", "name": "prompt"},
            },
            {
                **NO_FIELDS,
                "step1_user": {"cap": "caption", "q": "question"},
                "step2_user": {"item['question']": "question", "item['answer']": "answer", "item['pred']": "response"},
            },
        ),
    ]
}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> tuple[Variant, ...]:
    """The hash table of the synthetic scorers in place of the real one."""
    variants = read_variants(TABLE)
    for module in (catalog, importer):
        monkeypatch.setattr(module, "published_variants", lambda: variants)
    return variants


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def test_the_real_table_has_seven_variants_of_four_texts() -> None:
    variants = published_variants()
    assert len(variants) == len({variant.name for variant in variants}) == 7
    for variant in variants:
        assert sorted(variant.pieces) == sorted(set(PIECES) - {"step2_retry"})
        for piece in variant.pieces.values():
            assert len(bytes.fromhex(piece.sha256)) == len(bytes.fromhex(piece.sha256_rendered)) == 32


def test_the_real_table_agrees_with_the_reference() -> None:
    path = Path(__file__).parents[3] / "shared" / "reference" / "vdc" / "prompts_sha256.json"
    if not path.is_file():
        pytest.skip("the reference hashes are not part of this project and are not beside this checkout")
    reference = {row["variant"]: row for row in json.loads(path.read_text())["variants"]}
    for variant in published_variants():
        theirs = reference.pop(variant.name)
        assert (variant.repo, variant.commit, variant.file) == (theirs["repo"], theirs["commit"], theirs["file"])
        for name, piece in variant.pieces.items():
            assert piece.sha256 == theirs["pieces"][name]["sha256_canonical"]
            assert piece.sha256_rendered == theirs["pieces"][name]["sha256_render_test_unstripped"]
            assert tuple(piece.fields.values()) == tuple(theirs["pieces"][name]["placeholders_in_order"])
    assert reference == {}


@pytest.mark.parametrize(
    ("source", "file", "name", "texts"),
    [
        (DECORATED, "post/score.py", "decorated", DECORATED_TEXTS),
        (MESSAGES, "tasks/vid/score.py", "messages", DECORATED_TEXTS),
        (TEMPLATES, "kit/utils/vid.py", "templates", TEMPLATE_TEXTS),
    ],
)
def test_each_shape_is_read_exactly_and_stored(
    known: object, tmp_path: Path, source: str, file: str, name: str, texts: dict[str, str]
) -> None:
    found = import_prompts(write(tmp_path, file, source)).sets
    assert [imported.prompts.name for imported in found] == [name]
    prompts = load_prompts(name)
    assert prompts.published
    assert {piece: prompts.pieces[piece] for piece in texts} == texts
    assert prompts == load_prompts(name)
    assert "score.py" not in sys.modules


def test_a_rendered_message_keeps_the_white_space_at_its_ends(known: object, tmp_path: Path) -> None:
    import_prompts(write(tmp_path, "kit/utils/vid.py", TEMPLATES))
    prompts = load_prompts("templates")
    assert prompts.render_answer("C{q}", "Q?") == ("Read it.\n\n", "Text: C{q}\nQuestion: Q?\nReply like {this}.")
    matched = prompts.render_match("Q?", "G</gold>", "S")
    assert matched.system == "Grade it.\n"
    assert "A: G</gold>\n" in matched.user
    assert matched.user.endswith("Like {'pred': 'yes'}.")


def test_line_ends_and_a_byte_order_mark_make_no_difference(known: object, tmp_path: Path) -> None:
    path = tmp_path / "vid.py"
    path.write_bytes(b"\xef\xbb\xbf" + TEMPLATES.replace("\n", "\r\n").encode())
    assert [imported.prompts.name for imported in import_prompts(path).sets] == ["templates"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("scorer/post/score.py", "decorated"),
        ("scorer/src/harness/tasks/vid/score.py", "decorated_copy"),
        ("harness/tasks/vid/score.py", "harness"),
        ("src/harness/tasks/vid/score.py", "harness"),
        ("elsewhere.py", "decorated"),
    ],
)
def test_of_equal_texts_the_name_is_the_one_of_the_files_place(
    known: object, tmp_path: Path, file: str, name: str
) -> None:
    (found,) = import_prompts(write(tmp_path, file, DECORATED)).sets
    assert found.prompts.name == name
    assert sorted([name, *found.equal]) == ["decorated", "decorated_copy", "harness", "messages"]


def test_a_variant_with_the_same_texts_needs_no_import_of_its_own(known: object, tmp_path: Path) -> None:
    import_prompts(write(tmp_path, "post/score.py", DECORATED))
    assert load_prompts("messages").name == "messages"
    assert load_prompts("messages").source["imported_as"] == "decorated"
    assert load_prompts("messages").sha256 == load_prompts("decorated").sha256
    states = {row.name: row.state for row in list_prompts()}
    assert states["harness"] == "ready"
    assert states["templates"] == "not imported"


def test_a_name_can_be_asked_for_where_it_fits(known: object, tmp_path: Path) -> None:
    path = write(tmp_path, "post/score.py", DECORATED)
    assert import_prompts(path, "harness").sets[0].prompts.name == "harness"
    for wrong in ("templates", "messages", "nobody"):
        with pytest.raises(InputError, match=wrong):
            import_prompts(path, wrong)


def test_a_folder_gives_every_scorer_in_it_and_names_the_broken_one(known: object, tmp_path: Path) -> None:
    write(tmp_path, "scorer/post/score.py", DECORATED)
    write(tmp_path, "scorer/src/harness/tasks/vid/score.py", DECORATED.replace("Be short", "Be long"))
    write(tmp_path, "kit/kit/utils/vid.py", TEMPLATES)
    write(tmp_path, "kit/.git/utils/vid.py", "not python (")
    result = import_prompts(tmp_path)
    assert [imported.prompts.name for imported in result.sets] == ["templates", "decorated"]
    (problem,) = result.rejected
    assert "step1_system" in problem.where
    assert digest(DECORATED_TEXTS["step1_system"].replace("short", "long").strip()) in problem.found
    assert digest(DECORATED_TEXTS["step1_system"].strip()) in problem.expected


@pytest.mark.parametrize(
    ("change", "pieces"),
    [
        (("Only the reply.", "Only a reply."), ["step1_user"]),
        (("Q: {qa['question']}", "Q: {qa['answer']}"), ["step2_user"]),
        (("P: {qa['response']}", "P: {qa['response']!r}"), ["step2_user"]),
        (("You grade.", "You  grade."), ["step2_system"]),
        (('"You grade."', '"You grade. "'), ["step2_system"]),
        (("- Be short.", "Be short."), ["step1_system"]),
        (("def make_grade", "def grade"), ["step2_system", "step2_user"]),
    ],
    ids=["word", "field", "conversion", "inner_space", "space_at_the_end", "sign", "missing_function"],
)
def test_a_modified_copy_is_refused_by_piece(
    known: object, tmp_path: Path, change: tuple[str, str], pieces: list[str]
) -> None:
    path = write(tmp_path, "post/score.py", DECORATED.replace(*change))
    with pytest.raises(InputError) as caught:
        import_prompts(path)
    assert [problem.where.split(": ")[1].split(" ")[0] for problem in caught.value.problems] == pieces
    assert all("decorated" in problem.expected for problem in caught.value.problems)
    assert not stored_file("decorated").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"x = 1", b"def f(:", b"\xff\xfe", b"a\x00b", b"(" * 100_000, b"[" * 5_000 + b"]" * 5_000],
    ids=["empty", "other_script", "no_python", "no_utf8", "nul", "open_brackets", "deep"],
)
def test_a_file_that_is_no_scorer_is_refused(known: object, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "score.py"
    path.write_bytes(content)
    with pytest.raises(InputError):
        import_prompts(path)


def test_an_empty_folder_says_which_files_are_looked_for(known: object, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"kit/utils/vid\.py of third/kit"):
        import_prompts(tmp_path)


def test_a_stored_set_that_was_edited_is_refused_when_loaded(known: object, tmp_path: Path) -> None:
    import_prompts(write(tmp_path, "kit/utils/vid.py", TEMPLATES))
    stored = stored_file("templates")
    stored.write_text(stored.read_text().replace("Grade it.", "Grade it kindly."))
    with pytest.raises(InputError, match="step2_system with SHA-256"):
        load_prompts("templates")
    stored.write_text("{")
    with pytest.raises(InputError, match="damaged"):
        load_prompts("templates")
    assert "damaged" in next(row.state for row in list_prompts() if row.name == "templates")
    assert load_prompts("vdc-1").name == "vdc-1"


def test_commands_list_import_verify_and_show(known: object, tmp_path: Path) -> None:
    run = CliRunner()
    path = write(tmp_path, "kit/utils/vid.py", TEMPLATES)
    imported = json.loads(run.invoke(app, ["import", str(path), "--json"], catch_exceptions=False).stdout)
    assert [row["name"] for row in imported["imported"]] == ["templates"]
    listed = json.loads(run.invoke(app, ["list", "--json"]).stdout)
    assert {row["name"]: row["state"] for row in listed} == {
        "vdc-1": "ready",
        "templates": "ready",
        **dict.fromkeys(("decorated", "decorated_copy", "harness", "messages"), "not imported"),
    }
    verified = json.loads(run.invoke(app, ["verify", "--json"]).stdout)
    assert [row["name"] for row in verified] == ["vdc-1", "templates"]
    shown = json.loads(run.invoke(app, ["show", "templates", "--json"]).stdout)
    assert shown["pieces"]["step1_system"] == "Read it.\n\n"
    for arguments in (["list"], ["verify", "vdc-1"], ["show"], ["import", str(path)]):
        done = run.invoke(app, arguments)
        assert done.exit_code == 0
        assert done.stdout


def test_a_modified_copy_ends_the_command_with_2_and_both_hashes(
    known: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, "post/score.py", DECORATED.replace("You grade.", "You judge."))
    with pytest.raises(SystemExit) as ended:
        main(["prompts", "import", str(path)])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert digest("You judge.") in message
    assert digest("You grade.") in message


def test_one_good_file_beside_a_modified_one_is_stored_and_the_command_still_ends_with_2(
    known: object, tmp_path: Path
) -> None:
    write(tmp_path, "post/score.py", DECORATED.replace("You grade.", "You judge."))
    write(tmp_path, "kit/utils/vid.py", TEMPLATES)
    with pytest.raises(SystemExit) as ended:
        main(["prompts", "import", str(tmp_path)])
    assert ended.value.code == 2
    assert stored_file("templates").exists()
