"""The report: one web page about the results of evaluations, which needs no network."""

from .data import Results, read_results
from .page import report_page

__all__ = ["Results", "read_results", "report_page"]
