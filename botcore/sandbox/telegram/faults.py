"""Answers that go wrong on demand, so that a bot can be seen to bear them."""

from __future__ import annotations

import msgspec

from botcore.sandbox.telegram.failures import Failure, too_many

__all__ = ["Fault", "Faults"]

_TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_ERROR = 400
_LAST_ERROR = 599
_TOO_MANY = 429


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do to the next ``times`` calls of a ``method`` (``*`` is any).

    One of these: ``status`` with an error, at 429 after ``retry_after`` seconds, worded by ``description`` if given;
    ``html``, the status of an error page as a proxy writes it; ``drop``, the connection is cut
    ``before`` or ``after`` the call is carried out; ``delay`` in seconds, then it is carried out.
    """

    method: str = "*"
    times: int = 1
    status: int = 0
    retry_after: int = 1
    description: str = ""
    html: int = 0
    drop: str = ""
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a plan that says nothing, or two things."""
        if sum(bool(one) for one in (self.status, self.html, self.drop, self.delay)) != 1:
            raise ValueError("give one of status, html, drop and delay")
        if self.drop not in ("", "before", "after"):
            raise ValueError(f"drop is {self.drop!r}: choose before or after")
        if self.times < 1 or self.delay < 0 or self.retry_after < 1:
            raise ValueError("times and retry_after must be at least 1, delay cannot be negative")
        if not all(one == 0 or _ERROR <= one <= _LAST_ERROR for one in (self.status, self.html)):
            raise ValueError("a status of failure is between 400 and 599")

    @property
    def failure(self) -> Failure | None:
        """The error of ``status``."""
        if self.status == _TOO_MANY and not self.description:
            return too_many(self.retry_after)
        parameters = {"retry_after": self.retry_after} if self.status == _TOO_MANY else {}
        return Failure(self.status, self.description or _TEXTS.get(self.status, "Error"), parameters) if self.status else None

    @property
    def page(self) -> str:
        """The error page of ``html``."""
        title = f"{self.html} {_TEXTS.get(self.html, 'Error')}"
        return f"<html>\n<head><title>{title}</title></head>\n<body>\n<center><h1>{title}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n"


class Faults:
    """Planned faults, used up in the order they were planned."""

    def __init__(self) -> None:
        self._plans: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Add one."""
        self._plans.append(fault)

    def clear(self) -> None:
        """Drop all that are left."""
        self._plans.clear()

    def take(self, method: str) -> Fault | None:
        """The fault for a call of this method, None for most."""
        for place, fault in enumerate(self._plans):
            if fault.method == "*" or fault.method.lower() == method.lower():
                if fault.times > 1:
                    self._plans[place] = msgspec.structs.replace(fault, times=fault.times - 1)
                else:
                    del self._plans[place]
                return fault
        return None
