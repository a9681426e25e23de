"""The report: results of evaluations as one self-contained web page."""

from .data import Results, read_results
from .page import report_page

__all__ = ["Results", "read_results", "report_page"]
