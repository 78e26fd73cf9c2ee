"""E-books: chapters in reading order, and a clear answer to every broken or unsafe one."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from tests.text.epubs import nav, ncx, package, page, write_epub

from intone.core.errors import EmptyTextError, TextFileError
from intone.text import epub_archive
from intone.text.book import Book
from intone.text.documents import read_book

ONE, TWO = page("<h1>One</h1><p>First words.</p>"), page("<h1>Two</h1><p>Second words.</p>")


def book(tmp_path: Path, members: dict[str, str | bytes]) -> Book:
    return read_book(write_epub(tmp_path / "book.epub", members))


def chapters(found: Book) -> list[tuple[str | None, tuple[str, ...]]]:
    return [(chapter.title, chapter.paragraphs) for chapter in found.chapters]


def test_chapters_come_in_the_order_of_the_spine_with_the_titles_of_the_contents(
    tmp_path: Path,
) -> None:
    found = book(
        tmp_path,
        {
            "book.opf": package(["b/two.xhtml", "one%20.xhtml"]),
            "nav.xhtml": nav(("one%20.xhtml", "Number One"), ("b/two.xhtml", "Number  Two")),
            "one .xhtml": ONE,
            "b/two.xhtml": TWO,
        },
    )

    assert (found.title, found.language, found.notes) == ("The Book", "english", ())
    assert chapters(found) == [
        ("Number Two", ("Two", "Second words.")),
        ("Number One", ("One", "First words.")),
    ]
    assert found.chapters[0].text == "Two\n\nSecond words."


def test_an_epub_2_has_its_titles_from_the_ncx(tmp_path: Path) -> None:
    opf = package(["one.xhtml"]).replace('<item id="nav" href="nav.xhtml" properties="nav"/>', "")
    found = book(tmp_path, {"book.opf": opf, "toc.ncx": ncx(("one.xhtml", "I")), "one.xhtml": ONE})

    assert chapters(found) == [("I", ("One", "First words."))]


def test_the_contents_may_point_into_a_document_and_documents_may_go_on(tmp_path: Path) -> None:
    found = book(
        tmp_path,
        {
            "book.opf": package(["a.xhtml", "b.xhtml"]),
            "nav.xhtml": nav(("a.xhtml#c1", "C 1"), ("a.xhtml#c2", "C 2")),
            "a.xhtml": page('<p>Preface</p><div id="c1"><p>A</p></div><h2 id="c2">B</h2>'),
            "b.xhtml": page("<p>goes on</p>"),
        },
    )

    assert chapters(found) == [
        (None, ("Preface",)),
        ("C 1", ("A",)),
        ("C 2", ("B", "goes on")),
    ]


def test_words_are_read_and_marks_are_not(tmp_path: Path) -> None:
    body = (
        "<div>loose <p>A&nbsp;<b>b</b>ig &mdash; d<i>o</i>g<br/>ran&#33; &amp; sat</p> tail</div>"
        "<ul><li>x</li><li>y</li></ul><p>note<a epub:type='noteref' href='#n'>1</a></p>"
        "<p><ruby>漢字<rt>かんじ</rt></ruby></p><script>no</script><p hidden=''>no</p>"
        "<img src='i.png' alt='no'/>"
    )
    found = book(
        tmp_path,
        {"book.opf": package(["a.xhtml"]), "nav.xhtml": nav(), "a.xhtml": page(body)},
    )

    assert found.chapters[0].paragraphs == (
        *("loose", "A big — dog ran! & sat", "tail", "x", "y", "note", "漢字"),
    )
    assert sorted(found.notes) == ["left out: 1 footnote mark.", "left out: 1 picture."]


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    opf = package(
        ["cover.xhtml", "a.xhtml", "nav2.xhtml"],
        language="tlh",
        extra='<itemref idref="nav"/>',
    ).replace('<itemref idref="i2"/>', '<itemref idref="i2" linear="no"/>')
    found = book(
        tmp_path,
        {
            "book.opf": opf,
            "nav.xhtml": nav(("cover.xhtml", "Cover")),
            "cover.xhtml": page(""),
            "a.xhtml": ONE,
            "nav2.xhtml": TWO,
        },
    )

    assert found.language is None
    assert len(found.chapters) == 1
    told = "\n".join(found.notes)
    for words in ("table of contents", "reading order", "'tlh'", "(Cover) holds no word"):
        assert words in told


def test_a_book_without_a_word_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyTextError, match="no word"):
        book(tmp_path, {"book.opf": package(["a.xhtml"]), "nav.xhtml": nav(), "a.xhtml": page("…")})


BOMB = "<!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>"
LOCKED = "<e><EncryptionMethod Algorithm='http://www.w3.org/2001/04/xmlenc#aes128-cbc'/></e>"


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"a.xhtml": "<html><body><p>x</body></html>"}, r"OEBPS/a\.xhtml, line 1: broken XML"),
        ({"a.xhtml": page("x\n\n<p>cut")[:-20]}, r"OEBPS/a\.xhtml, line 3: broken XML"),
        ({"a.xhtml": ""}, "broken XML"),
        ({"a.xhtml": f"{BOMB}<html><body>&b;</body></html>"}, "entity 'a'"),
        ({"a.xhtml": page("&unknown;")}, "entity &unknown; is unknown"),
        ({"a.xhtml": page("<b>" * 300 + "x" + "</b>" * 300)}, "deeper than 200"),
        ({"a.xhtml": None}, r"OEBPS/a\.xhtml is missing"),
        ({"book.opf": None}, r"OEBPS/book\.opf is missing"),
        ({"book.opf": "<package>"}, r"book\.opf, line 1: broken XML"),
        ({"nav.xhtml": "<html>"}, r"nav\.xhtml, line 1: broken XML"),
        ({"book.opf": package(["../../etc/passwd"])}, "outside of the epub"),
        ({"book.opf": package(["/etc/passwd"])}, "outside of the epub"),
        ({"book.opf": package(["http://example.org/a"])}, "outside of the epub"),
        ({"book.opf": package([], extra='<itemref idref="x"/>')}, "the manifest lacks"),
        ({"META-INF/encryption.xml": LOCKED}, "DRM"),
        ({"META-INF/rights.xml": "<r/>"}, "DRM"),
        ({"META-INF/container.xml": "<c/>"}, "missing|outside"),
    ],
)
def test_a_broken_or_unsafe_epub_gets_a_clear_answer(
    tmp_path: Path, members: dict[str, str | None], words: str
) -> None:
    whole = {"book.opf": package(["a.xhtml"]), "nav.xhtml": nav(), "a.xhtml": ONE, **members}
    with pytest.raises(TextFileError, match=words) as caught:
        book(tmp_path, {name: data for name, data in whole.items() if data is not None})

    assert "book.epub" in str(caught.value)


def test_fonts_may_be_mangled(tmp_path: Path) -> None:
    fonts = LOCKED.replace(
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc", "http://ns.adobe.com/pdf/enc#RC"
    )
    found = book(
        tmp_path,
        {
            **{"book.opf": package(["a.xhtml"]), "nav.xhtml": nav(), "a.xhtml": ONE},
            "META-INF/encryption.xml": fonts,
        },
    )

    assert len(found.chapters) == 1


def test_a_member_that_unpacks_beyond_bounds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(epub_archive, "MAX_MEMBER_BYTES", 100_000)
    with pytest.raises(TextFileError, match="unpacks to more than text does"):
        book(
            tmp_path,
            {
                **{"book.opf": package(["a.xhtml"]), "nav.xhtml": nav()},
                "a.xhtml": page("x" * 200_000),
            },
        )


def test_what_is_no_archive_or_a_damaged_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "book.epub"
    path.write_bytes(b"no archive")
    with pytest.raises(TextFileError, match="is no epub"):
        read_book(path)

    write_epub(path, {"book.opf": package(["a.xhtml"]), "nav.xhtml": nav(), "a.xhtml": ONE})
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("OEBPS/a.xhtml").header_offset
    data = bytearray(path.read_bytes())
    data[offset + 60 : offset + 80] = bytes(20)
    path.write_bytes(bytes(data))
    with pytest.raises(TextFileError, match=r"OEBPS/a\.xhtml is damaged"):
        read_book(path)


def test_two_hundred_thousand_characters_are_read(tmp_path: Path) -> None:
    body = "<p>Some words here.</p>" * 12_500
    found = book(
        tmp_path, {"book.opf": package(["a.xhtml"]), "nav.xhtml": nav(), "a.xhtml": page(body)}
    )

    assert len(found.chapters[0].paragraphs) == 12_500
