"""The only file that knows fpdf2: one referral as a PDF, in letters of many languages."""

import logging
import unicodedata
from collections.abc import Container
from datetime import datetime
from importlib.resources import as_file, files

from fpdf import FPDF
from fpdf.bidi import BidiParagraph, auto_detect_base_direction
from fpdf.enums import MethodReturnValue, TextDirection

from bot.desk.exports.printout import Printout, PrintSection
from flows.wording import FIRST_LANGUAGE, say

FONTS = files("bot") / "desk" / "exports" / "fonts"
FAMILY = "DejaVu"
_FONT_SIZE, _LINE_HEIGHT, _MARGIN = 11, 5.6, 18
"""In points and millimetres."""
_LINE_ENDS = {"\r\n": "\n", "\r": "\n", "\u2028": "\n", "\u2029": "\n", "\t": "    "}

# It would write letters that it cannot draw, which are a person's words, into the log.
logging.getLogger("fpdf").setLevel(logging.CRITICAL)
logging.getLogger("fontTools").setLevel(logging.ERROR)


class _PdfPages(FPDF):
    """Pages of A4 with the same line at the foot of each."""

    def __init__(self, foot: str, made_at: datetime) -> None:
        super().__init__(format="A4")
        self._foot = foot
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(True, 22)
        self.set_creation_date(made_at)
        with as_file(FONTS) as folder:
            self.add_font(FAMILY, "", folder / "DejaVuSans.ttf")
            self.add_font(FAMILY, "B", folder / "DejaVuSans-Bold.ttf")
        cmaps = [set(getattr(font, "cmap", ())) for font in self.fonts.values()]
        self.glyphs = frozenset(set.intersection(*cmaps))
        self.add_page()

    def footer(self) -> None:
        """Write the line at the foot."""
        self.set_y(-16)
        self.set_font(FAMILY, "", 8)
        page = say(FIRST_LANGUAGE, "desk.printout.page", n=self.page_no())
        self.cell(0, 5, printable_text(f"{self._foot} {page}", self.glyphs))


def pdf_of(printout: Printout, made_at: datetime) -> bytes:
    """Return a printout as a PDF without any link, script or file in it."""
    pages = _PdfPages(printout.footer, made_at)
    pages.set_title(printout.title)
    _write_text(pages, printout.title, 18, "B")
    for line in printout.summary:
        _write_text(pages, line)
    for part in printout.sections:
        _write_section(pages, part)
    return bytes(pages.output())


def printable_text(text: str, letters: Container[int]) -> str:
    """Return a text with its code, such as [U+1F600], for each letter that is not in `letters`.

    Control characters and the unseen signs that turn text round are marked too.
    """
    for end, plain in _LINE_ENDS.items():
        text = text.replace(end, plain)
    return "".join(_printable_letter(one, letters) for one in text)


def _printable_letter(letter: str, letters: Container[int]) -> str:
    if letter == "\n":
        return letter
    if unicodedata.category(letter) == "Zs":
        return " "
    if letter.isprintable() and ord(letter) in letters:
        return letter
    return f"[U+{ord(letter):04X}]"


def _write_section(pages: _PdfPages, part: PrintSection) -> None:
    pages.ln(4)
    _write_text(pages, part.title, 13, "B")
    for row in part.rows:
        if row.title:
            _write_text(pages, row.title, style="B")
        _write_text(pages, row.text)
        pages.ln(1.4)


def _write_text(pages: _PdfPages, text: str, size: int = _FONT_SIZE, style: str = "") -> None:
    """Write a text over the width of the page, each paragraph from the side it is read from."""
    pages.set_font(FAMILY, style, size)
    for paragraph in printable_text(text, pages.glyphs).split("\n"):
        right = auto_detect_base_direction(paragraph) == TextDirection.RTL
        direction, align = (TextDirection.RTL, "R") if right else (TextDirection.LTR, "L")
        height = _LINE_HEIGHT * size / _FONT_SIZE
        for line in _wrapped_lines(pages, paragraph):
            shown = BidiParagraph(line, direction).get_reordered_string() if line else ""
            pages.cell(0, height, shown, align=align, new_x="LMARGIN", new_y="NEXT")


def _wrapped_lines(pages: _PdfPages, paragraph: str) -> list[str]:
    """Return a paragraph broken into lines that fit the page."""
    found = pages.multi_cell(0, text=paragraph, dry_run=True, output=MethodReturnValue.LINES)
    return [str(line) for line in found] if isinstance(found, list) else []
