"""One call of the Bot API as it arrived: query, form, JSON and multipart are the same to the methods (api page, section 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import aiohttp
import msgspec
from aiohttp import hdrs

from botcore.sandbox.telegram.failures import Failure, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Call", "Upload", "read_call"]

_MOST_BYTES = 50 * 1024 * 1024
_ROOM_FOR_FIELDS = 1024 * 1024
_TRUE = ("true", "yes", "1")


class Upload(msgspec.Struct, frozen=True):
    """A file that came with a call."""

    name: str
    data: bytes


class Call(msgspec.Struct, frozen=True):
    """A method and its parameters, each a text or, from JSON, any value. Absent and empty are the same, as in the real one."""

    method: str
    params: dict[str, Any]
    uploads: dict[str, Upload]

    @property
    def chat_id(self) -> int | None:
        """The chat it is about, when it names one by number."""
        return self.integer("chat_id") or None

    def text(self, name: str) -> str:
        """A text, empty when left out."""
        value = self.params.get(name, "")
        if isinstance(value, bool):
            return "true" if value else "false"
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number; ``default`` when left out or not a number."""
        try:
            return int(self.text(name))
        except ValueError:
            return default

    def flag(self, name: str) -> bool:
        """Whether something is switched on."""
        return self.text(name).lower() in _TRUE

    def json(self, name: str, what: str) -> Any:
        """A nested value, None when left out. Raises Failure 400 that names ``what`` could not be parsed."""
        value = self.params.get(name)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value) if value.strip() else None
        except msgspec.DecodeError:
            raise bad_request(f"can't parse {what} JSON object") from None

    def listing(self, name: str, what: str) -> list[Any] | None:
        """A nested list, None when left out. Raises Failure 400."""
        value = self.json(name, what)
        if value is not None and not isinstance(value, list):
            raise bad_request(f"can't parse {what}: expected an Array")
        return value

    def record(self, name: str, what: str) -> dict[str, Any]:
        """A nested object, empty when left out. Raises Failure 400."""
        value = self.json(name, what)
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"can't parse {what}: expected an Object")
        return value or {}

    def limited(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number moved into its limits."""
        return min(max(self.integer(name, default), least), most)


async def read_call(method: str, query: Mapping[str, str], headers: Mapping[str, str], content: aiohttp.StreamReader) -> Call:
    """The call of a request, or of an answer that carries one. Raises Failure: 400 for what cannot be read, 413 for too much of it."""
    params: dict[str, Any] = dict(query)
    uploads: dict[str, Upload] = {}
    kind = headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            await _read_parts(headers, content, params, uploads)
        else:
            params |= _decoded(kind, await _whole(content))
    except UnicodeDecodeError:
        raise bad_request("strings must be encoded in UTF-8") from None
    except (ValueError, msgspec.DecodeError) as error:
        raise bad_request(f"can't read the request: {error}") from None
    return Call(method or str(params.get("method", "")), params, uploads)


def _decoded(kind: str, body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    if kind == "application/json":
        return {name: value for name, value in msgspec.json.decode(body, type=dict[str, Any]).items() if value is not None}
    if kind == "application/x-www-form-urlencoded":
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    raise Failure(415, "Unsupported Media Type")


async def _whole(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for piece in content.iter_any():
        body += piece
        _check_size(len(body))
    return bytes(body)


async def _read_parts(headers: Mapping[str, str], content: aiohttp.StreamReader, params: dict[str, Any], uploads: dict[str, Upload]) -> None:
    total = 0
    async for part in aiohttp.MultipartReader(headers, content):
        if not isinstance(part, aiohttp.BodyPartReader) or not part.name:
            continue
        data = bytearray()
        while piece := await part.read_chunk(65_536):
            data += piece
            _check_size(len(data), _MOST_BYTES)
            _check_size(total + len(data))
        total += len(data)
        if part.filename is None:
            params[part.name] = data.decode()
        else:
            uploads[part.name] = Upload(part.filename, bytes(data))


def _check_size(size: int, most: int = _MOST_BYTES + _ROOM_FOR_FIELDS) -> None:
    if size > most:
        raise Failure(413, "Request Entity Too Large")
