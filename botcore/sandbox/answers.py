"""What goes back to a client: a status, a body, and the error shapes of the API page, section 4.1."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Answer", "Refusal", "account_error", "json_answer", "not_found", "retired", "runtime_error", "throttled", "unauthorized"]


class Answer(msgspec.Struct, frozen=True):
    """A finished answer."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(Exception):
    """A request that cannot be served; ``answer`` is what the client gets."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status, answer.body)
        self.answer = answer


def json_answer(value: Any, status: int = 200) -> Answer:
    """JSON of any value."""
    return Answer(msgspec.json.encode(value), status)


def runtime_error(message: str, status: int = 400, code: int = 3) -> Refusal:
    """Shape C of ``/marketplace-api``; ``code`` is the gRPC code."""
    return Refusal(json_answer({"error": message, "code": code, "message": message}, status))


def account_error(code: str, message: str, status: int = 400) -> Refusal:
    """Shape A of ``/account`` and ``/exchange``, also good for shape B of ``/trade-aggregator``."""
    return Refusal(json_answer({"code": code, "message": message}, status))


def unauthorized(path: str) -> Answer:
    """401: Pascal case on ``/marketplace-api``, lower case elsewhere."""
    if path.startswith("/marketplace-api/"):
        return json_answer({"Code": "Unauthorized", "Message": "Unauthorized"}, 401)
    return json_answer({"code": "Unauthorized", "message": "Unauthorized"}, 401)


def not_found(path: str) -> Answer:
    """404 in the shape of its family."""
    if path.startswith("/marketplace-api/"):
        return json_answer({"error": "Not Found", "code": 5, "message": "Not Found"}, 404)
    return json_answer({"code": "NotFound", "message": "Not Found"}, 404)


def retired() -> Answer:
    """410 of a route that is no longer served."""
    return json_answer({"code": "Gone", "message": "endpoint is no longer available"}, 410)


def throttled() -> Answer:
    """429 as Kong's rate limiting sends it."""
    return Answer(b'{"message":"API rate limit exceeded"}', 429, headers=((b"retry-after", b"1"),))
