"""The error tree. Every error says what the caller can do about it.

BotcoreError
├── ConfigError              a setting is wrong or missing
├── SandboxError             a server of the sandbox could not be started
├── StoreError               the store cannot be opened, read or written
├── MeasureError             a measurement did no work, or its record cannot be used
├── RecordingError           a recording cannot be read or written
└── MarketError              one request to the market failed
    ├── Unreachable          nothing was sent: connecting, DNS or the pool timed out
    ├── NoAnswer             sent, and the answer was lost: time-out or reset
    ├── BadAnswer            an answer that is no answer: HTML, broken JSON, torn gzip
    │   └── RepeatedCursor   a listing that sends us round in circles
    ├── ServerFault          500, 502, 503, 504, 52x
    ├── Throttled            429
    ├── Refused              any other 4xx
    │   └── Unauthorized     401: key, signature or clock
    ├── NotRecorded          a recording holds no answer to this request
    └── OutcomeUnknown       a write whose answer was lost
ScanFailed                   a scan that cannot give an honest result
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botcore.model import Opportunity, ScanReport

__all__ = [
    "BadAnswer",
    "BotcoreError",
    "ConfigError",
    "MarketError",
    "MeasureError",
    "NoAnswer",
    "NotRecorded",
    "OutcomeUnknown",
    "RecordingError",
    "Refused",
    "RepeatedCursor",
    "SandboxError",
    "ScanFailed",
    "ServerFault",
    "StoreError",
    "Throttled",
    "Unauthorized",
    "Unreachable",
]


class BotcoreError(Exception):
    """Base of everything botcore raises on purpose."""


class ConfigError(BotcoreError):
    """A setting is wrong or missing. Correct it; the message names it and says how."""


class SandboxError(BotcoreError):
    """A server of the sandbox, market or Telegram, could not be started. The message carries the reason."""


class StoreError(BotcoreError):
    """The store cannot be opened, read or written. The message says which store and what to do; nothing written before is lost."""


class MeasureError(BotcoreError):
    """A measurement did no work, or its record cannot be used. The message says which; measure again."""


class RecordingError(BotcoreError):
    """A recording cannot be read or written, or was altered. The message says which and why; what is whole stays readable."""


class MarketError(BotcoreError):
    """One request to the market failed.

    ``path`` is the path asked for, ``status`` the HTTP status when there was one, ``code`` the
    market's own word for the error.
    """

    def __init__(self, message: str, *, path: str = "", status: int | None = None, code: str = "") -> None:
        """Keep what is known of the failed request; none of it holds a secret."""
        super().__init__(message)
        self.path = path
        self.status = status
        self.code = code


class Unreachable(MarketError):
    """Nothing was sent. Repeating is safe for every method; check the address and the network."""


class NoAnswer(MarketError):
    """The request went out and no whole answer came back. Repeat reads only."""


class BadAnswer(MarketError):
    """The answer is not what the documentation promises. Repeat reads only."""


class RepeatedCursor(BadAnswer):
    """A listing returned a cursor it had returned before. Start the listing anew."""


class ServerFault(MarketError):
    """The market failed on its side. Repeat reads after a pause; ``retry_after`` seconds when it said so."""

    def __init__(self, message: str, *, retry_after: float | None = None, path: str = "", status: int | None = None, code: str = "") -> None:
        """Keep the pause the market asked for, in seconds."""
        super().__init__(message, path=path, status=status, code=code)
        self.retry_after = retry_after


class Throttled(MarketError):
    """Too many requests. Wait ``retry_after`` seconds; the quota has already slowed down."""

    def __init__(self, message: str, *, retry_after: float, path: str = "", status: int | None = 429, code: str = "") -> None:
        """Keep the pause the market asked for, in seconds."""
        super().__init__(message, path=path, status=status, code=code)
        self.retry_after = retry_after


class Refused(MarketError):
    """The market understood and said no. Do not repeat; change the request."""


class Unauthorized(Refused):
    """The key, the signature or the clock is wrong. Check the key pair; the clock was already corrected once."""


class NotRecorded(MarketError):
    """A recording is replayed that holds no answer to this request. Repeating is no use; the message names the request."""


class OutcomeUnknown(MarketError):
    """A write was sent and its answer lost. Never repeat it; compare balance, inventory and offers first."""


class ScanFailed(BotcoreError):
    """A scan ended without an honest result.

    ``report`` and ``opportunities`` hold what was found until then, so that nothing is lost.
    """

    def __init__(self, message: str, report: ScanReport | None = None, opportunities: list[Opportunity] | None = None) -> None:
        """Keep the partial result."""
        super().__init__(message)
        self.report = report
        self.opportunities = opportunities or []
