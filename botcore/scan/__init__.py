"""Looks for opportunities: bands, table, rules, and the pipeline that joins them."""

from botcore.scan.options import ScanOptions, ScanProgress
from botcore.scan.scanner import Scanner, ScanStream

__all__ = ["ScanOptions", "ScanProgress", "ScanStream", "Scanner"]
