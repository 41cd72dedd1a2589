"""Answers that are no success: status, description and parameters as the api page words them (sections 1.2 and 7)."""

from __future__ import annotations

from typing import Any

__all__ = ["Failure", "bad_request", "conflict", "forbidden", "not_found", "too_many"]


class Failure(Exception):
    """A call that cannot be carried out; ``parameters`` is what the envelope adds to the description."""

    def __init__(self, status: int, description: str, parameters: dict[str, int] | None = None) -> None:
        """Keep what the client will read."""
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters or {}

    @property
    def envelope(self) -> dict[str, Any]:
        """The body; ``parameters`` only when there are any."""
        told = {"ok": False, "error_code": self.status, "description": self.description}
        return {**told, "parameters": self.parameters} if self.parameters else told


def bad_request(message: str, parameters: dict[str, int] | None = None) -> Failure:
    """400."""
    return Failure(400, f"Bad Request: {message}", parameters)


def forbidden(message: str) -> Failure:
    """403."""
    return Failure(403, f"Forbidden: {message}")


def not_found(message: str = "") -> Failure:
    """404, with or without what was not found."""
    return Failure(404, f"Not Found: {message}" if message else "Not Found")


def conflict(message: str) -> Failure:
    """409."""
    return Failure(409, f"Conflict: {message}")


def too_many(seconds: int) -> Failure:
    """429; ``seconds`` is how long to wait."""
    return Failure(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
