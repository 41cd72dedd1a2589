"""What a sandbox market can be told, and how it is reached. Light: nothing here starts anything."""

from __future__ import annotations

import msgspec

from botcore.errors import SandboxError

__all__ = ["MarketAddress", "MarketOptions"]

_CHAOS = ("off", "mild", "storm")
_WINDOWS = ("fixed", "sliding", "bucket")
_INTEGERS = ("string", "number")


class MarketOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the sandbox market behaves. Seconds for every time, US cents for no field here.

    ``size`` counts the offers of all four games together (csgo gets half), ``churn`` the events a
    second over all games. ``jitter`` 0 keeps ``latency`` steady, otherwise it is the sigma of a
    lognormal whose median is ``latency``. ``window`` is how quotas are counted. ``prices`` names a
    JSON or CSV file of titles and prices. ``clock_offset`` is how far the server's clock is off.
    ``integers`` is how 64-bit integers are written: ``string`` as today, ``number`` as in July.
    ``signed_at`` stops the clock of the signature check, for fixed test vectors. ``stall`` is how
    late a stalled answer comes. ``distance`` is how long a round trip to the market takes: unlike
    ``latency`` it makes connecting and TLS slow as well. ``deals`` is the share of new listings that
    are priced under what they would bring. ``speed`` is how many seconds pass in the market in one of
    the world's, all of its times with them; ``epoch`` is the unix time at which the two agreed, its
    start by default, so that others can share the market's clock.
    """

    seed: int = 1
    size: int = 40_000
    churn: float = 0.0
    latency: float = 0.15
    jitter: float = 0.0
    chaos: str = "off"
    limits: bool = True
    window: str = "sliding"
    tls: bool = False
    prices: str | None = None
    port: int = 0
    clock_offset: float = 0.0
    integers: str = "string"
    public_key: str | None = None
    secret_key: str | None = None
    signed_at: float | None = None
    stall: float = 4.0
    distance: float = 0.0
    deals: float = 0.03
    speed: float = 1.0
    epoch: float | None = None

    def __post_init__(self) -> None:
        """Refuse what would only show later as a strange market."""
        _choose("chaos", self.chaos, _CHAOS)
        _choose("window", self.window, _WINDOWS)
        _choose("integers", self.integers, _INTEGERS)
        for name, value in (
            ("size", self.size),
            ("churn", self.churn),
            ("latency", self.latency),
            ("jitter", self.jitter),
            ("stall", self.stall),
            ("distance", self.distance),
        ):
            if value < 0:
                raise SandboxError(f"{name} is {value}: it cannot be negative")
        if not 0 <= self.deals <= 1 or self.speed <= 0:
            raise SandboxError(f"deals is {self.deals} and speed {self.speed}: a share from 0 to 1 and a number above 0 are needed")
        if (self.public_key is None) != (self.secret_key is None):
            raise SandboxError("give both public_key and secret_key, or neither")


class MarketAddress(msgspec.Struct, frozen=True):
    """Where a sandbox market listens and the throw-away keys it accepts; ``ca_file`` is the certificate to trust with TLS."""

    url: str
    public_key: str
    secret_key: str
    ca_file: str | None


def _choose(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SandboxError(f"{name} is {value!r}: choose one of {', '.join(choices)}")
