"""Charts as inline SVG, drawn on the server for five widths, each with its figures as a table.

A view makes one of the charts below; a template writes ``{% chart figure %}``. All words are escaped. No style
attribute is used, only classes of ``charts.css`` and numbers in attributes, so a strict content policy holds.
"""

from crm.charts.bars import Bar, Bars, Histogram, Stacked
from crm.charts.curves import Lines, StepLine, sparkline
from crm.charts.drawing import WIDTHS, Cell, Chart, Table
from crm.charts.funnel import Funnel, Step

__all__ = [
    "WIDTHS",
    "Bar",
    "Bars",
    "Cell",
    "Chart",
    "Funnel",
    "Histogram",
    "Lines",
    "Stacked",
    "Step",
    "StepLine",
    "Table",
    "sparkline",
]
