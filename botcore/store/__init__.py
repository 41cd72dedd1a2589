"""Remembers for good: scans, opportunities, prices, sales, and what the bot keeps of its chats, in SQLite or PostgreSQL."""

from botcore.store.chats import Chats, ChatSettings, View, Watch
from botcore.store.journal import Journal, JournalCounts
from botcore.store.letters import Card, Draft, Letter, Letters
from botcore.store.options import StoreOptions
from botcore.store.outcomes import Claim, Outcome, OutcomeCounts, Outcomes
from botcore.store.rows import History, PricePoint
from botcore.store.store import Store, StoredScan, StoreInfo
from botcore.store.watching import Watching

__all__ = [
    "Card",
    "ChatSettings",
    "Chats",
    "Claim",
    "Draft",
    "History",
    "Journal",
    "JournalCounts",
    "Letter",
    "Letters",
    "Outcome",
    "OutcomeCounts",
    "Outcomes",
    "PricePoint",
    "Store",
    "StoreInfo",
    "StoreOptions",
    "StoredScan",
    "View",
    "Watch",
    "Watching",
]
