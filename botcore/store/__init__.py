"""Remembers for good: scans, opportunities, prices and sales in SQLite or PostgreSQL."""

from botcore.store.journal import Journal, JournalCounts
from botcore.store.options import StoreOptions
from botcore.store.rows import History, PricePoint
from botcore.store.store import Store, StoredScan, StoreInfo

__all__ = ["History", "Journal", "JournalCounts", "PricePoint", "Store", "StoreInfo", "StoreOptions", "StoredScan"]
