"""The faults a real market shows: 5xx, resets, stalls, HTML with status 200, torn gzip, bursts of 429.

``mild`` spoils about 3 % of requests and never the same one (path, query and body) twice in a row,
so that one repetition succeeds. ``storm`` spoils about 35 % and promises nothing.
"""

from __future__ import annotations

from enum import StrEnum
from random import Random

from botcore.sandbox.answers import Answer

__all__ = ["Chaos", "Fault", "spoiled"]


class Fault(StrEnum):
    """What goes wrong. ``*_EARLY`` means before the request is carried out, the others after."""

    ERROR_EARLY = "5xx"
    ERROR_LATE = "5xx after the deed"
    RESET_EARLY = "reset"
    RESET_LATE = "reset after the deed"
    RESET_BODY = "reset within the body"
    STALL_HEAD = "stall before the headers"
    STALL_BODY = "stall within the body"
    HTML = "HTML with 200"
    TORN_GZIP = "torn gzip"
    REFUSED = "429"


EARLY = frozenset({Fault.ERROR_EARLY, Fault.RESET_EARLY, Fault.REFUSED})

_RATES = {"off": 0.0, "mild": 0.03, "storm": 0.35}
_WEIGHTS = {
    Fault.ERROR_EARLY: 4,
    Fault.ERROR_LATE: 1,
    Fault.RESET_EARLY: 2,
    Fault.RESET_LATE: 1,
    Fault.RESET_BODY: 2,
    Fault.STALL_HEAD: 1,
    Fault.STALL_BODY: 1,
    Fault.HTML: 2,
    Fault.TORN_GZIP: 2,
    Fault.REFUSED: 1,
}
_HTML = (
    b"<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<center><h1>502 Bad Gateway</h1></center>\n"
    b"<hr><center>cloudflare</center>\n</body>\n</html>\n"
)
_ERRORS = (
    Answer(b'{"code":"InternalServerError","message":"internal server error"}', 500),
    Answer(_HTML, 502, "text/html"),
    Answer(b'{"code":14,"message":"elasticsearch unavailable","error":"elasticsearch unavailable"}', 503),
    Answer(_HTML.replace(b"502 Bad Gateway", b"504 Gateway Time-out"), 504, "text/html"),
    Answer(b"error code: 520", 520, "text/plain"),
)


class Chaos:
    """Chooses the fault of each request, from a seed."""

    def __init__(self, form: str, seed: int) -> None:
        self.form = form
        self._rng = Random(f"{seed}/chaos")
        self._spoiled: set[object] = set()
        self._burst = 0

    def choose(self, key: object) -> Fault | None:
        """The fault for a request, None for most. ``key`` tells a repetition from a new request."""
        if self.form == "off":
            return None
        if self.form == "mild" and key in self._spoiled:
            self._spoiled.discard(key)
            return None
        fault = self._draw()
        if fault is not None and self.form == "mild":
            self._spoiled.add(key)
        return fault

    def error(self) -> Answer:
        """Some 5xx answer."""
        return self._rng.choice(_ERRORS)

    def _draw(self) -> Fault | None:
        if self._burst:
            self._burst -= 1
            return Fault.REFUSED
        # A burst of refusals counts several times, so single faults are drawn a little less often.
        if self._rng.random() >= _RATES[self.form] * 0.87:
            return None
        fault = self._rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        if fault is Fault.REFUSED:
            self._burst = self._rng.randint(2, 4)
        return fault


def spoiled(answer: Answer, fault: Fault) -> Answer:
    """An answer whose content is replaced by a fault that needs no broken connection."""
    return Answer(_HTML, 200, "text/html") if fault is Fault.HTML else answer
