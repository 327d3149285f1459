"""Reading a table from a file: what it is, how its letters and columns are written, row by row.

A table is read as often as it is iterated and never held in memory. Rows are numbered as a spreadsheet shows
them: the header is row 1.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.utils.translation import gettext as _

from crm.spreadsheet_cells import unquoted

Cell = str | datetime | date
DELIMITERS = ",;\t|"
MOST_COLUMNS = 500
LONGEST_CELL = 131_072
MOST_LINES = 100  # of one row: more means that a quotation mark was never closed
# What a workbook may unpack to: far more than 100,000 rows need, far less than what hurts.
MOST_ENTRIES, MOST_UNPACKED, MOST_RATIO = 2_000, 300 * 1024 * 1024, 200
MOST_SHARED_TEXT = 64 * 1024 * 1024
SAMPLE = 64 * 1024
# Letters with accents and typographic quotes as UTF-8 writes them; in Windows-1252 the same bytes read MÃ¼ller.
UTF8_LETTERS = re.compile(rb"\xc3[\x80-\xbf]|\xe2\x80[\x93-\x9e\xa6]")

csv.field_size_limit(LONGEST_CELL)


class ReadingError(Exception):
    """The file cannot be read as a table; the message is a sentence for the person."""


@dataclass(frozen=True)
class Line:
    """One row: its number in the file and its cells, as many as the header has, or the reason why not."""

    number: int
    cells: list[Cell]
    fault: str = ""


@dataclass
class Table:
    """A file as a table. What is left out (None) is guessed from the file and can be read back."""

    path: Path
    encoding: str | None = None
    delimiter: str | None = None
    header: list[str] | None = None
    sheet: str | None = None
    is_workbook: bool = False

    def __post_init__(self) -> None:
        """Look at the file, settle what was left open, and read the header; ReadingError says why not."""
        self._header_is_given = self.header is not None
        self.is_workbook = _kind_of(self.path) == "workbook"
        if self.is_workbook:
            _guard_workbook(self.path)
        else:
            self.encoding = self.encoding or _guess_encoding(self.path)
            self._settle_delimiter()
        if not self._header_is_given:
            self.header = self._read_header()

    @property
    def columns(self) -> list[str]:
        assert self.header is not None
        return self.header

    def __iter__(self) -> Iterator[Line]:
        """Yield every row that holds anything."""
        wide = len(self.columns)
        for number, cells in self._records():
            if number == 1 and not self._header_is_given:
                continue
            if not any(cells):
                continue
            while len(cells) > wide and not cells[-1]:
                cells.pop()
            if len(cells) != wide:
                told = {"count": len(cells), "wanted": wide}
                yield Line(number, cells, _("The row has %(count)d cells, the header %(wanted)d.") % told)
            else:
                yield Line(number, cells)

    def sample(self, rows: int = 10) -> list[Line]:
        """Return the first rows, for a look before the import."""
        return [line for line, _place in zip(self, range(rows), strict=False)]

    def _records(self) -> Iterator[tuple[int, list[Cell]]]:
        if self.is_workbook:
            yield from enumerate(self._workbook_rows(), start=1)
        else:
            yield from enumerate(self._text_rows(), start=1)

    # --- Text --------------------------------------------------------------------------------------

    def _settle_delimiter(self) -> None:
        with self._text() as file:
            start = file.read(SAMPLE)
        first, _newline, _rest = start.lstrip("\ufeff").partition("\n")
        self._has_sep_line = first.lower().startswith("sep=")
        if self._has_sep_line:
            stated = first.strip()[4:5]
            self.delimiter = self.delimiter or stated or ";"
            start = start.partition("\n")[2]
        if not start.strip():
            raise ReadingError(_("The file is empty."))
        self.delimiter = self.delimiter or _guess_delimiter(start)

    @contextmanager
    def _text(self) -> Iterator[TextIO]:
        assert self.encoding is not None
        try:
            with self.path.open(encoding=self.encoding, newline="") as file:
                yield file
        except (UnicodeError, LookupError) as error:
            raise ReadingError(
                _("The file cannot be read as %(encoding)s. State its encoding, such as utf-8 or windows-1252.")
                % {"encoding": self.encoding}
            ) from error

    def _text_rows(self) -> Iterator[list[Cell]]:
        assert self.delimiter is not None
        with self._text() as file:
            if self._has_sep_line:
                file.readline()
            try:
                reader, line = csv.reader(file, delimiter=self.delimiter), 0
                for cells in reader:
                    if reader.line_num - line > MOST_LINES:
                        raise csv.Error
                    line = reader.line_num
                    yield [unquoted(cell) for cell in cells] if "'" in "".join(cells) else cells  # type: ignore[misc]
            except csv.Error as error:
                raise ReadingError(
                    _("The file breaks off inside a cell that is opened by a quotation mark and not closed.")
                ) from error

    # --- Workbooks ---------------------------------------------------------------------------------

    def _workbook_rows(self) -> Iterator[list[Cell]]:
        file = self.path.open("rb")  # by its content: openpyxl refuses a path by its ending
        try:
            book = _opened(file)
        except ReadingError:
            file.close()
            raise
        try:
            sheet = book[self.sheet] if self.sheet else book.worksheets[0]
            for row in sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS + 1):
                if len(row) > MOST_COLUMNS and row[MOST_COLUMNS] is not None:
                    raise ReadingError(_("The sheet has more than %(count)d columns.") % {"count": MOST_COLUMNS})
                yield [_workbook_cell(value) for value in row]
        except KeyError as error:
            names = ", ".join(book.sheetnames)
            raise ReadingError(_("The workbook has no such sheet. It has: %(names)s.") % {"names": names}) from error
        except ReadingError:
            raise
        except Exception as error:  # a broken sheet fails in any way
            raise ReadingError(_("The workbook cannot be read to its end. Save it again as .xlsx or .csv.")) from error
        finally:
            book.close()
            file.close()

    # --- The header --------------------------------------------------------------------------------

    def _read_header(self) -> list[str]:
        for _number, cells in self._records():
            names = [as_text(cell).strip() for cell in cells]
            while names and not names[-1]:
                names.pop()
            if not names:
                raise ReadingError(_("The first row must name the columns; it is empty."))
            if len(names) > MOST_COLUMNS:
                raise ReadingError(_("The file has more than %(count)d columns.") % {"count": MOST_COLUMNS})
            return _told_apart(names)
        raise ReadingError(_("The file is empty."))


def sheets(path: Path) -> list[str]:
    """Return the names of a workbook's sheets, in order; ReadingError when it cannot be opened."""
    with path.open("rb") as file:
        book = _opened(file)
        names = list(book.sheetnames)
        book.close()
    return names


def _opened(file: BinaryIO) -> Any:
    """Return a workbook that is read row by row; ReadingError when it cannot be opened."""
    from openpyxl import load_workbook  # only now: a tenth of what a process needs to start

    try:
        return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # a broken workbook fails in any way
        raise ReadingError(_("The workbook cannot be opened. Save it again as .xlsx or .csv.")) from error


def as_text(cell: Cell) -> str:
    """Return a cell as it would be written in a CSV file."""
    return cell if isinstance(cell, str) else cell.isoformat(" ") if isinstance(cell, datetime) else cell.isoformat()


def _told_apart(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    told = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return told


def _workbook_cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, clock_time):
        return value.isoformat()
    return unquoted(str(value))


# --- What kind of file this is --------------------------------------------------------------------


def _kind_of(path: Path) -> str:
    """Return 'workbook' or 'text' by the first bytes, whatever the file is called; ReadingError for the rest."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise ReadingError(_("The file %(name)s cannot be opened.") % {"name": path.name}) from error
    if not head.strip():
        raise ReadingError(_("The file is empty."))
    if head.startswith(b"PK\x03\x04"):
        return "workbook"
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise ReadingError(_("This is an old Excel file (.xls). Save it as .xlsx or .csv."))
    if head.startswith((b"\x7fELF", b"%PDF", b"\x1f\x8b", b"\x89PNG", b"GIF8", b"\xff\xd8\xff")) or _is_program(head):
        raise ReadingError(_("This is not a table but another kind of file. Export the list as .csv or .xlsx."))
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ReadingError(_("This is a web page, not a table. Export the list as .csv or .xlsx."))
    return "text"


def _is_program(head: bytes) -> bool:
    return head.startswith(b"MZ") and b"\0" in head


def _guard_workbook(path: Path) -> None:
    """Refuse, before it is opened, a workbook that unpacks to more than it should."""
    from openpyxl.xml import DEFUSEDXML

    if not DEFUSEDXML:
        raise ReadingError(_("Workbooks cannot be read safely on this installation: defusedxml is missing."))
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ReadingError(_("The workbook is damaged. Save it again as .xlsx or .csv.")) from error
    names = {entry.filename for entry in entries}
    if "xl/workbook.xml" not in names:
        raise ReadingError(_("This is a packed file (ZIP), not a table. Unpack it first."))
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries) or 1
    shared = sum(entry.file_size for entry in entries if entry.filename == "xl/sharedStrings.xml")
    too_dense = unpacked > 1024 * 1024 and unpacked / packed > MOST_RATIO
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or shared > MOST_SHARED_TEXT or too_dense:
        raise ReadingError(_("The workbook would unpack to far more than a list needs. Save the sheet as .csv."))


# --- How its letters and columns are written --------------------------------------------------------


def _guess_encoding(path: Path) -> str:
    """Return the encoding: by its mark, else UTF-16 by its zeros, UTF-8 when the whole file is, else Windows-1252."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.count(0) * 50 > len(head):  # a stray one is a matter of its row
        return _utf16_without_mark(head)
    if _reads_as(path, "utf-8"):
        return "utf-8"
    if _reads_as(path, "windows-1252") and not _is_mixed(path):
        return "windows-1252"
    raise ReadingError(
        _("The file mixes encodings, so that names would be garbled. Save it as UTF-8, or state its encoding.")
    )


def _utf16_without_mark(head: bytes) -> str:
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 and odd > 4 * even:
        return "utf-16-le"
    if even > len(head) // 4 and even > 4 * odd:
        return "utf-16-be"
    raise ReadingError(_("This is not a table but another kind of file. Export the list as .csv or .xlsx."))


def _reads_as(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1024 * 1024):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _is_mixed(path: Path) -> bool:
    with path.open("rb") as file:
        return any(UTF8_LETTERS.search(line) for line in file)


def _guess_delimiter(text: str) -> str:
    """Return the delimiter by which the first rows have the same and the largest number of cells."""
    lines = text.splitlines()
    sample = "\n".join(lines[: 30 if len(lines) > 30 else max(1, len(lines) - (len(text) >= SAMPLE))])
    best, most = ",", 1
    for delimiter in DELIMITERS:
        widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if row]
        usual = max(set(widths), key=widths.count) if widths else 1
        agree = widths.count(usual) / max(1, len(widths))
        if usual > most and agree > 0.6:
            best, most = delimiter, usual
    return best
