"""Looks for opportunities: bands, table, rules, the pipeline that joins them, and what warms the cache for it."""

from botcore.scan.options import ScanOptions, ScanProgress
from botcore.scan.scanner import Scanner, ScanStream
from botcore.scan.warm import Warmer, WarmProgress

__all__ = ["ScanOptions", "ScanProgress", "ScanStream", "Scanner", "WarmProgress", "Warmer"]
