"""Bringing lists in: reading the file, mapping its columns, checking every row, writing in slices."""

from leads.imports.mapping import Mapping, MappingError
from leads.imports.reading import ReadingError, Table
from leads.imports.running import Import, Tally

__all__ = ["Import", "Mapping", "MappingError", "ReadingError", "Table", "Tally"]
