"""Do the examples in the documents do what they say? Every python block is run, in order, file by file."""

from __future__ import annotations

import re

import pytest

from tests.support.sources import ROOT

FILES = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"] if path.is_file())
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
WORDS = ("turn", "lease", "fence", "blocker", "chunk", "sweep", "uow", "session", "generation", "loss")


def run_examples(name: str, text: str) -> int:
    """Run the python blocks of a document one after the other, as one program; returns how many there were."""
    scope: dict[str, object] = {"__name__": "example"}
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start(1))
        exec(compile("\n" * line + found[1], name, "exec"), scope)  # the line numbers of an error are those of the document
    return len(BLOCK.findall(text))


@pytest.mark.parametrize("name", FILES)
def test_the_examples_of_a_document_run(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert run_examples(name, text) == text.count("```python")


def test_an_example_that_is_wrong_is_seen_with_its_line() -> None:
    with pytest.raises(AssertionError) as caught:
        run_examples("a.md", "# A\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    assert caught.traceback[-1].lineno == 7  # counted from 0


@pytest.mark.parametrize("name", [*FILES, "CHANGES.md"])
def test_the_links_of_a_document_lead_to_files(name: str) -> None:
    document = ROOT / name
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_concepts_are_among_the_documents_that_are_run() -> None:
    assert "docs/concepts.md" in FILES


@pytest.mark.parametrize("word", WORDS)
def test_the_glossary_explains_the_word(word: str) -> None:
    rows = [line for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines() if line.startswith("| **")]
    assert any(word in row.partition("|")[2].partition("|")[0] for row in rows)
