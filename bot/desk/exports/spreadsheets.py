"""The only file that knows xlsxwriter: rows of text as CSV and XLSX, formulas escaped."""

import csv
import io
import re
from collections.abc import Sequence
from datetime import datetime

from xlsxwriter import Workbook  # type: ignore[import-untyped]

Rows = Sequence[Sequence[str]]
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""What each form of a sheet is called on its way to the browser."""

CELL_MAX = 32_767
"""The most that a cell of a spreadsheet holds, in UTF-16 units
(https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3)."""
TRUNCATION_SIGN = " [...]"

_INVISIBLE = "\\s\\x00-\\x1f\\x7f-\\x9f\\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_FORMULA_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b"
_FORMULA_START = re.compile(f"'*[\\t\\r\\n\\x00]|['{_INVISIBLE}]*[{_FORMULA_SIGNS}]")
"""A start that a spreadsheet may run: a sign, plain, full-width or small, behind anything unseen
(https://owasp.org/www-community/attacks/CSV_Injection). An apostrophe before such a start counts
as one too, so that the guard can be taken off again without doubt."""
_NOT_IN_XML = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ufffe\uffff\ud800-\udfff]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def csv_of(rows: Rows) -> bytes:
    """Return rows as CSV (RFC 4180), UTF-8 with a byte order mark for Excel; formulas escaped."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([escape_formula(cell) for cell in row] for row in _pad_rows(rows))
    return text.getvalue().encode("utf-8-sig")


def xlsx_of(rows: Rows, made_at: datetime) -> bytes:
    """Return rows as a workbook of one sheet; every cell is text, the first row stays in sight."""
    kept = io.BytesIO()
    text_only = {f"strings_to_{kind}": False for kind in ("formulas", "urls", "numbers")}
    book = Workbook(kept, {"in_memory": True, **text_only})
    book.set_properties({"created": made_at.replace(tzinfo=None)})
    sheet = book.add_worksheet()
    plain = book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
    plain.set_quote_prefix()
    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(0, len(rows[0]) - 1) if rows else 0, 24)
    for n, row in enumerate(_pad_rows(rows)):
        for column, cell in enumerate(row):
            text = _truncate(replace_unprintable(cell))
            sheet.write_string(n, column, text, plain if n else head)
    book.close()
    return kept.getvalue()


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet runs: with an apostrophe where its start could be run."""
    whole = _SURROGATES.sub("\ufffd", cell)
    return f"'{whole}" if _FORMULA_START.match(whole) else whole


def unescape_formula(cell: str) -> str:
    """Return what a guarded cell held."""
    return cell[1:] if cell.startswith("'") and _FORMULA_START.match(cell[1:]) else cell


def replace_unprintable(cell: str) -> str:
    """Return a cell with a placeholder for each character that a workbook cannot hold."""
    return _NOT_IN_XML.sub(_replacement_sign, cell)


def _replacement_sign(found: re.Match[str]) -> str:
    """Return Unicode's own picture of a control character, or the sign for one that is broken."""
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "\ufffd"


def _truncate(cell: str) -> str:
    """Return a cell truncated to what a workbook holds, with a sign at the cut."""
    units = cell.encode("utf-16-le")
    if len(units) <= 2 * CELL_MAX:
        return cell
    kept = units[: 2 * (CELL_MAX - len(TRUNCATION_SIGN))]
    return kept.decode("utf-16-le", "ignore") + TRUNCATION_SIGN


def _pad_rows(rows: Rows) -> list[list[str]]:
    """Return the rows, all with as many cells."""
    width = max(map(len, rows), default=0)
    return [[*row, *[""] * (width - len(row))] for row in rows]
