"""botcore finds underpriced items on the DMarket marketplace, from the terminal, from Telegram and from Jupyter.

``async with botcore.open_app() as app: report = await app.scanner.scan(botcore.ScanQuery(game="csgo", level="standard"))``
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botcore.app import App, open_app, open_replay
    from botcore.client import DMarketClient, KeyPair, PoolOptions, Quota, QuotaOptions
    from botcore.errors import BotcoreError, ConfigError, MarketError, ScanFailed
    from botcore.model import Alert, AlertState, Change, Exit, Game, Level, Offer, Opportunity, Quote, Sale, ScanQuery, ScanReport, Target, WatchQuery
    from botcore.scan import Scanner, ScanOptions, Watch, WatchFigures, WatchOptions
    from botcore.settings import Settings

_HOMES = {
    "Alert": "model",
    "AlertState": "model",
    "App": "app",
    "BotcoreError": "errors",
    "Change": "model",
    "ConfigError": "errors",
    "DMarketClient": "client",
    "Exit": "model",
    "Game": "model",
    "KeyPair": "client",
    "Level": "model",
    "MarketError": "errors",
    "Offer": "model",
    "Opportunity": "model",
    "PoolOptions": "client",
    "Quota": "client",
    "QuotaOptions": "client",
    "Quote": "model",
    "Sale": "model",
    "ScanFailed": "errors",
    "ScanOptions": "scan",
    "ScanQuery": "model",
    "ScanReport": "model",
    "Scanner": "scan",
    "Settings": "settings",
    "Target": "model",
    "Watch": "scan",
    "WatchFigures": "scan",
    "WatchOptions": "scan",
    "WatchQuery": "model",
    "open_app": "app",
    "open_replay": "app",
}

__version__ = version("botcore")
__all__ = [
    "Alert",
    "AlertState",
    "App",
    "BotcoreError",
    "Change",
    "ConfigError",
    "DMarketClient",
    "Exit",
    "Game",
    "KeyPair",
    "Level",
    "MarketError",
    "Offer",
    "Opportunity",
    "PoolOptions",
    "Quota",
    "QuotaOptions",
    "Quote",
    "Sale",
    "ScanFailed",
    "ScanOptions",
    "ScanQuery",
    "ScanReport",
    "Scanner",
    "Settings",
    "Target",
    "Watch",
    "WatchFigures",
    "WatchOptions",
    "WatchQuery",
    "open_app",
    "open_replay",
]


def load_ipython_extension(shell: object) -> None:
    """``%load_ext botcore`` in a notebook or in IPython: gives ``%scan csgo standard``, and shows figures."""
    import_module("botcore.lab").load_ipython_extension(shell)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``import botcore`` costs next to nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'botcore' has no attribute {name!r}")
    return getattr(import_module(f"botcore.{home}"), name)
