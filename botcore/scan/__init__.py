"""Looks for opportunities: bands, table, rules, the pipeline that joins them, the watch, and what warms the cache."""

from botcore.scan.figures import GameFigures, WatchFigures
from botcore.scan.options import ScanOptions, ScanProgress, WatchOptions
from botcore.scan.scanner import Scanner, ScanStream
from botcore.scan.warm import Warmer, WarmProgress
from botcore.scan.watch import Watch

__all__ = ["GameFigures", "ScanOptions", "ScanProgress", "ScanStream", "Scanner", "WarmProgress", "Warmer", "Watch", "WatchFigures", "WatchOptions"]
