"""Signs a request at the moment it is sent, with the market's clock.

What is signed is what goes out: METHOD, percent-decoded path, "?" and the raw query, body, X-Sign-Date, Ed25519.
Source: DMarket's own trading tools and the test vectors in ``tests/vectors.py``.
"""

from __future__ import annotations

import time
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import httpx
from nacl.signing import SigningKey

from botcore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["KeyPair", "MarketClock", "SignedAuth", "http_date", "string_to_sign"]

_KEY_DIGITS = 64
_SECRET_DIGITS = (64, 128)


class KeyPair:
    """A DMarket API key that is known to fit together. Its secret shows in no text of it."""

    __slots__ = ("_signer", "public_hex")

    def __init__(self, public_hex: str, signer: SigningKey) -> None:
        self.public_hex = public_hex
        self._signer = signer

    def __repr__(self) -> str:
        return f"KeyPair({self.public_hex[:8]}...)"

    def __reduce__(self) -> str:
        raise TypeError("a key pair is not to be stored")

    @classmethod
    def parse(cls, public_hex: str, secret_hex: str) -> KeyPair:
        """Read the two keys as DMarket shows them: 64 hex digits, and 128 (or the 64 of the bare seed), in any case.

        Raises ConfigError naming the part that does not fit; it never repeats the secret.
        """
        public, secret = public_hex.strip().lower(), secret_hex.strip().lower()
        if len(public) == _SECRET_DIGITS[1] and len(secret) == _KEY_DIGITS:
            raise ConfigError("the public key has 128 digits and the secret key 64: they seem to be swapped")
        _check_hex("public key", public, (_KEY_DIGITS,))
        _check_hex("secret key", secret, _SECRET_DIGITS)
        signer = SigningKey(bytes.fromhex(secret[:_KEY_DIGITS]))
        derived = bytes(signer.verify_key).hex()
        if secret[_KEY_DIGITS:] and secret[_KEY_DIGITS:] != derived:
            raise ConfigError("the secret key is damaged: its second half is not the public key of its first half; copy it again")
        if derived != public:
            raise ConfigError(f"the secret key does not belong to the public key {public[:8]}...: copy both from the same line of DMarket's page")
        return cls(public, signer)

    def sign(self, message: bytes) -> str:
        """The Ed25519 signature of a message, 128 hex digits."""
        return self._signer.sign(message).signature.hex()


def _check_hex(name: str, text: str, lengths: tuple[int, ...]) -> None:
    if len(text) not in lengths:
        raise ConfigError(f"the {name} has {len(text)} characters: it should have {' or '.join(map(str, lengths))} hex digits")
    if set(text) - set("0123456789abcdef"):
        raise ConfigError(f"the {name} holds characters that are no hex digits")


class MarketClock:
    """Unix seconds by the market's clock: our own plus a skew that is learned from ``Date`` headers.

    An answer proves that the market's time lay within the second that ``Date`` names somewhere between our sending
    and receiving. Only a skew that no such moment explains, by more than ``slack`` seconds, replaces what we believe,
    so slow answers teach nothing false.
    """

    def __init__(self, clock: Callable[[], float] = time.time, slack: float = 2.0) -> None:
        self._clock = clock
        self._slack = slack
        self.skew = 0.0

    def __repr__(self) -> str:
        return f"<MarketClock skew={self.skew:+.1f} s>"

    def now(self) -> float:
        """Unix seconds by the market's clock."""
        return self._clock() + self.skew

    def local(self) -> float:
        """Unix seconds by our own clock, to be given back to ``learn``."""
        return self._clock()

    def learn(self, date: str | None, sent_at: float) -> None:
        """Learn from the ``Date`` of an answer to a request sent at local time ``sent_at``."""
        told = http_date(date)
        if told is None:
            return
        least, most = told - self._clock(), told + 1 - sent_at
        if least <= most and not least - self._slack <= self.skew <= most + self._slack:
            self.skew = (least + most) / 2


def http_date(text: str | None) -> float | None:
    """Unix seconds of an HTTP date, or None when it is none."""
    try:
        told = parsedate_to_datetime(text or "")
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def string_to_sign(method: str, raw_path: bytes, body: bytes, date: str) -> bytes:
    """The bytes that DMarket verifies; ``raw_path`` is path and query exactly as they are sent."""
    path, mark, query = raw_path.partition(b"?")
    return b"".join((method.encode(), unquote_to_bytes(path), mark, query, body, date.encode()))


class SignedAuth(httpx.Auth):
    """Adds DMarket's three headers to a request when it is sent, and learns the market's time from the answer.

    It never sends anything itself: a 401 is the client's to judge, since a second attempt must be paced anew.
    """

    requires_request_body = True

    def __init__(self, keys: KeyPair, clock: MarketClock) -> None:
        self._keys = keys
        self._clock = clock

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign, send, learn."""
        sent_at = self._clock.local()
        date = str(int(self._clock.now()))
        signature = self._keys.sign(string_to_sign(request.method, request.url.raw_path, request.content, date))
        request.headers["X-Api-Key"] = self._keys.public_hex
        request.headers["X-Sign-Date"] = date
        request.headers["X-Request-Sign"] = f"dmar ed25519 {signature}"
        response = yield request
        # Only the market itself knows the market's time; an error page may come from a cache on the way.
        if response.is_success or response.status_code == httpx.codes.UNAUTHORIZED:
            self._clock.learn(response.headers.get("Date"), sent_at)
