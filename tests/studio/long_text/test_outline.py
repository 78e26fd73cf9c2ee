"""What a document holds, told before anything is spoken; what is wrong with it, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.studio.long_text.books import MARKDOWN, epub

from intone.core.errors import EmptyTextError, RequestError, TextFileError
from intone.studio.long_text.outline import Document, outline_of, pasted, uploaded


def document(folder: Path, name: str, source: bytes) -> Document:
    path = folder / name
    path.write_bytes(source)
    return uploaded(path)


def test_markdown_has_chapters_with_their_length_and_minutes(tmp_path: Path) -> None:
    outline = outline_of(document(tmp_path, "My Book.md", MARKDOWN.encode()))

    assert outline.title == "My Book"
    assert [chapter.title for chapter in outline.chapters] == ["The Sea", "The Letter"]
    assert outline.chapters[0].num_characters == len("The Sea\n\nIt was late.")
    assert 1.0 < outline.chapters[0].expected_s < outline.chapters[1].expected_s < 10.0
    assert outline.expected_s == sum(chapter.expected_s for chapter in outline.chapters)


def test_an_epub_says_its_title_and_language(tmp_path: Path) -> None:
    outline = outline_of(document(tmp_path, "x.epub", epub()))

    assert (outline.title, outline.language) == ("Der Fluss", "german")
    assert [chapter.title for chapter in outline.chapters] == ["Eins"]


def test_pasted_text_is_plain_or_markdown_by_its_headings() -> None:
    plain = pasted("Chapter 1: Rain\n\nIt rained.\n\nChapter 2: Sun\n\nIt shone.")
    marked = pasted("# Rain\n\nIt rained, and it was in the night.")

    assert (plain.suffix, marked.suffix) == (".txt", ".md")
    assert len(outline_of(plain).chapters) == 2
    assert (outline_of(marked).title, outline_of(marked).language) == ("Rain", "english")


def test_a_chapter_without_a_name_is_called_by_its_first_words() -> None:
    (chapter,) = outline_of(pasted("It rained " + "and rained " * 30)).chapters

    assert chapter.title.startswith("It rained and rained")
    assert len(chapter.title) <= 61


def test_file_names_are_made_of_plain_words() -> None:
    assert pasted("../../etc/passwd: no!").file_name == "etc-passwd-no.txt"
    assert pasted("雨が降った。").file_name == "雨が降った.txt"


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("book.epub", b"no zip at all", "damaged one"),
        ("book.epub", epub("<html><body><p>never closed"), "a.xhtml"),
        ("book.txt", b"\xff\xfeh\x00i\x00", "UTF-16"),
        ("book.txt", b"caf\xe9", "not UTF-8"),
        ("sound.txt", b"RIFF....WAVE", "a WAV or AVI file"),
        ("empty.txt", b"", "holds no word"),
        ("stars.md", b"* * *\n", "holds no word"),
    ],
)
def test_what_cannot_be_read_is_told_without_a_path(
    tmp_path: Path, name: str, source: bytes, words: str
) -> None:
    with pytest.raises(RequestError, match=words) as told:
        outline_of(document(tmp_path, name, source))
    assert "/" not in str(told.value).replace("a.xhtml", "")
    assert name.partition(".")[0] in str(told.value)


def test_other_kinds_of_files_and_empty_pastes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TextFileError, match=r"'scan\.pdf'.*\.epub"):
        document(tmp_path, "scan.pdf", b"%PDF")
    with pytest.raises(TextFileError, match="choose it again"):
        uploaded(tmp_path / "gone.txt")
    with pytest.raises(EmptyTextError, match="paste some words"):
        pasted(" … \n")
    with pytest.raises(TextFileError, match="character 3"):
        pasted("ab\ud800c")
