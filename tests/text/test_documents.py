"""Plain text and Markdown as books."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from intone.core.errors import EmptyTextError, TextFileError
from intone.text.book import Book
from intone.text.documents import read_book


def book(tmp_path: Path, name: str, source: str | bytes) -> Book:
    path = tmp_path / name
    path.write_bytes(source.encode("utf-8") if isinstance(source, str) else source)
    return read_book(path)


def chapters(found: Book) -> list[tuple[str | None, tuple[str, ...]]]:
    return [(chapter.title, chapter.paragraphs) for chapter in found.chapters]


def test_a_text_without_headings_is_one_chapter_of_unwrapped_paragraphs(tmp_path: Path) -> None:
    found = book(
        tmp_path, "tale.txt", "\ufeffOne line\r\ngoes on.\r\n \r\nTwo.\n\n\n今天\n很好。\n"
    )

    assert (found.title, found.language, found.notes) == ("tale", None, ())
    assert chapters(found) == [(None, ("One line goes on.", "Two.", "今天很好。"))]


def test_lines_that_end_sentences_are_paragraphs_where_no_line_is_blank(tmp_path: Path) -> None:
    found = book(tmp_path, "tale.txt", "One.\nTwo goes\non.\n“Three!”\n")

    assert found.chapters[0].paragraphs == ("One.", "Two goes on.", "“Three!”")


@pytest.mark.parametrize(
    "heading",
    [
        *("Chapter 1", "CHAPTER IV", "Chapter One: The Sea", "chapter 2 - Home", "Kapitel 3"),
        *("Capitolo II", "Capítulo 7. Mar", "Chapitre 9 — La mer", "Глава 5", "Глава первая"),
        *("第三章", "第12回 海", "第一話：海", "제 3 장", "Prologue", "Эпилог"),
    ],
)
def test_headings_begin_chapters_and_are_spoken(tmp_path: Path, heading: str) -> None:
    found = book(tmp_path, "tale.txt", f"Before.\n\n{heading}\n\nAfter\nit.\n")

    assert chapters(found) == [(None, ("Before.",)), (heading, (heading, "After it."))]


@pytest.mark.parametrize(
    "line",
    [
        "Chapter 1 was about the sea",
        "He read chapter 1",
        "Chapter\n1",
        "Chapter 1: " + "x" * 90,
    ],
)
def test_other_lines_begin_no_chapter(tmp_path: Path, line: str) -> None:
    assert len(book(tmp_path, "tale.txt", f"A.\n\n{line}\n\nB.").chapters) == 1


def test_form_feeds_begin_chapters_and_an_empty_chapter_is_told(tmp_path: Path) -> None:
    found = book(tmp_path, "tale.txt", "One.\n\fTwo.\n\f***\n\fChapter 3\n\n\fFour.")

    assert [chapter.paragraphs[0] for chapter in found.chapters] == [
        *("One.", "Two.", "Chapter 3", "Four."),
    ]
    assert found.notes == (
        "chapter 3 holds no word and was left out.",
        "chapter 4 (Chapter 3) holds nothing but its heading.",
    )


def test_markdown_headings_are_title_and_chapters(tmp_path: Path) -> None:
    found = book(
        tmp_path,
        "tale.md",
        "---\nlang: de\nauthor: x\n---\n# The *Tale*\n\nIntro.\n\n## One ##\nText\nmore.\n\n"
        "### Sub\n- a\n- [ ] b\n1. c\n\nTwo\n---\n> quoted\n> words\n",
    )

    assert (found.title, found.language) == ("The Tale", "german")
    assert chapters(found) == [
        (None, ("The Tale", "Intro.")),
        ("One", ("One", "Text more.", "Sub", "a", "b", "c")),
        ("Two", ("Two", "quoted words")),
    ]
    assert found.notes == ("left out: 2 front matter lines.",)


def test_headings_of_the_first_level_are_chapters_where_there_are_several(tmp_path: Path) -> None:
    found = book(tmp_path, "tale.md", "# One\na\n# Two\nb\n## Sub\nc")

    assert (found.title, [chapter.title for chapter in found.chapters]) == ("tale", ["One", "Two"])


def test_a_title_without_words_below_it_is_said_in_the_first_chapter(tmp_path: Path) -> None:
    found = book(tmp_path, "tale.md", "# Tale\n\n## One\nText.")

    assert chapters(found) == [("One", ("Tale", "One", "Text."))]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("**bold** _it_ ***both*** ~~old~~ `code *x*`", "bold it both old code *x*"),
        ("[link](http://a/c_(d) \"t\") [ref][1] <http://x.y> <a@b.c>", "link ref http://x.y a@b.c"),
        (r"2 * 3 * 4, snake_case_word \*kept\* \[x\]", "2 * 3 * 4, snake_case_word *kept* [x]"),
        ("a<br>b <b>c</b> &amp; &eacute; 1 < 2", "a b c & é 1 < 2"),
        ("see [^1] this ![picture](a.png) end", "see this end"),
        ("a <!-- hidden\nwords --> b", "a b"),
        ("[1] stays and [so] too", "[1] stays and [so] too"),
    ],
)  # fmt: skip
def test_marks_of_markdown_are_not_spoken(tmp_path: Path, source: str, words: str) -> None:
    assert book(tmp_path, "a.md", source).chapters[0].paragraphs == (words,)


def test_blocks_that_are_not_spoken_are_told(tmp_path: Path) -> None:
    found = book(
        tmp_path,
        "a.md",
        "Words.\n```py\n# no heading\n```\n~~~\nx\n~~~\n\n| a | b |\n|---|:-:|\n| c | d |\n\n"
        "***\n\n[1]: http://x.y\n\n![p](q)\n",
    )

    assert found.chapters[0].paragraphs == ("Words.", "a, b", "c, d")
    assert sorted(found.notes) == [
        "left out: 1 link definition.",
        "left out: 1 picture.",
        "left out: 2 code blocks.",
    ]


def test_a_rule_at_the_start_is_no_front_matter(tmp_path: Path) -> None:
    assert book(tmp_path, "a.md", "---\nWords here\n---\nMore").chapters[0].text.startswith("Words")


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@pytest.mark.parametrize("source", ["", " \n\n", "…\n\n***\n"])
def test_a_document_without_a_word_is_an_error(tmp_path: Path, name: str, source: str) -> None:
    with pytest.raises(EmptyTextError, match="no word"):
        book(tmp_path, name, source)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.txt", b"RIFF\x24\x00\x00\x00WAVEfmt ", "a WAV or AVI file"),
        ("a.txt", b"fLaC\x00", "a FLAC file"),
        ("a.md", b"PK\x03\x04rest", "zip archive"),
        ("a.txt", "é\nü".encode("latin-1"), "line 1: byte 0xe9 is not UTF-8"),
        ("a.txt", "words".encode("utf-16"), "UTF-16"),
        ("a.txt", b"words\n\x00\x01", "line 2: a zero byte"),
        ("a.pdf", b"%PDF", "cannot tell how to read 'a.pdf'"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    with pytest.raises(TextFileError, match=words):
        book(tmp_path, name, data)


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
@pytest.mark.parametrize(
    "source", ["word " * 40_000, "*a " * 7_000 + "word " * 36_000, "# a" + " " * 200_000 + "x"]
)
def test_two_hundred_thousand_characters_are_read(tmp_path: Path, name: str, source: str) -> None:
    start = time.perf_counter()
    book(tmp_path, name, source)

    assert time.perf_counter() - start < 5.0
