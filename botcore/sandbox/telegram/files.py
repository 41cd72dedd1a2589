"""Uploaded files, kept in memory, and how large a picture is according to its own header."""

from __future__ import annotations

import mimetypes
import re
from typing import TYPE_CHECKING

import msgspec

from botcore.sandbox.telegram.failures import bad_request

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call, Upload

__all__ = ["Files", "StoredFile", "picture_size"]

_MOST_PHOTO_BYTES = 10 * 1024 * 1024
_MOST_DOWNLOAD_BYTES = 20 * 1024 * 1024
_MOST_SIDES = 10_000
_MOST_RATIO = 20
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset((0x01, *range(0xD0, 0xD8)))
_PREFIXES = {"photo": "AgACAgIAAxkDAAIB", "document": "BQACAgIAAxkDAAIB"}


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file the bot sent; ``kind`` is photo or document, ``width`` and ``height`` are 0 for a document."""

    file_id: str
    file_unique_id: str
    kind: str
    path: str
    name: str
    mime_type: str
    data: bytes
    width: int = 0
    height: int = 0


class Files:
    """Every file by its id and by its path."""

    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}

    def by_id(self, file_id: str) -> StoredFile | None:
        """The file with this id."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """The file behind a download path."""
        return self._by_path.get(path)

    def take(self, call: Call, kind: str) -> StoredFile:
        """The photo or document of a call: uploaded, or sent again by its id. Raises Failure 400."""
        given = call.text(kind)
        upload = call.uploads.get(given.removeprefix("attach://") if given.startswith("attach://") else kind)
        if upload is not None:
            return self._keep(upload, kind)
        if not given or given.startswith("attach://"):
            raise bad_request(f"there is no {kind} in the request")
        if re.match(r"https?://", given):
            raise bad_request("failed to get HTTP URL content")
        return self._known(given, kind)

    def downloadable(self, file_id: str) -> StoredFile:
        """The file of getFile. Raises Failure 400."""
        found = self._by_id.get(file_id)
        if found is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if len(found.data) > _MOST_DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        return found

    def _known(self, file_id: str, kind: str) -> StoredFile:
        found = self._by_id.get(file_id)
        if found is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        if found.kind != kind:
            raise bad_request(f"can't use file of type {found.kind.title()} as {kind.title()}")
        return found

    def _keep(self, upload: Upload, kind: str) -> StoredFile:
        if not upload.data:
            raise bad_request("file must be non-empty")
        width, height = _checked_size(upload.data) if kind == "photo" else (0, 0)
        number = len(self._by_id)
        ending = ".jpg" if kind == "photo" else _ending(upload.name)
        stored = StoredFile(
            file_id=f"{_PREFIXES[kind]}{number:06d}",
            file_unique_id=f"AQAD{number:06d}",
            kind=kind,
            path=f"{kind}s/file_{number}{ending}",
            name=upload.name,
            mime_type=_photo_type(upload.data) if kind == "photo" else mimetypes.guess_type(upload.name)[0] or "application/octet-stream",
            data=upload.data,
            width=width,
            height=height,
        )
        self._by_id[stored.file_id] = self._by_path[stored.path] = stored
        return stored


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG in pixels, None for anything else."""
    if data.startswith(_PNG) and data[12:16] == b"IHDR" and len(data) >= 24:  # noqa: PLR2004 - signature and the first chunk up to its height
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    return _jpeg_size(data) if data.startswith(_JPEG) else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From the first frame header; segments before it are skipped by their length."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:  # noqa: PLR2004 - every segment begins with it
        marker = data[place + 1]
        if marker in _JPEG_FRAMES:
            return int.from_bytes(data[place + 7 : place + 9]), int.from_bytes(data[place + 5 : place + 7])
        bare = marker in _JPEG_BARE or marker == 0xFF  # noqa: PLR2004 - a fill byte
        place += (1 if marker == 0xFF else 2) if bare else 2 + int.from_bytes(data[place + 2 : place + 4])  # noqa: PLR2004
    return None


def _checked_size(data: bytes) -> tuple[int, int]:
    if len(data) > _MOST_PHOTO_BYTES:
        raise bad_request(f"file of size {len(data)} bytes is too big for a photo; the maximum size is {_MOST_PHOTO_BYTES} bytes")
    size = picture_size(data)
    if size is None or not min(size):
        raise bad_request("IMAGE_PROCESS_FAILED")
    if sum(size) > _MOST_SIDES or max(size) > _MOST_RATIO * min(size):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    return size


def _photo_type(data: bytes) -> str:
    return "image/png" if data.startswith(_PNG) else "image/jpeg"


def _ending(name: str) -> str:
    found = re.search(r"\.[A-Za-z0-9]{1,8}$", name)
    return found[0] if found else ""
