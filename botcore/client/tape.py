"""The file of a recording: what it holds, how it is written as it comes, and how it is read and verified.

After a line that says what it is, the file is a row of frames::

    length of what follows up to the digest, 4 bytes; the highest bit says that the compression begins anew here
    one or several records as MessagePack, compressed by zlib and flushed, so that the frame can be read without the next
    SHA-256 of the whole file up to here, without the digests

A frame is whole or it is not there: whatever ends the writing, a kill -9 or a full disk, leaves everything before readable.
The compression begins anew every few MB, so that one record can be read without all that came before it.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import struct
import threading
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, TypeAlias

import msgspec

from botcore.errors import RecordingError

__all__ = ["Answered", "Asked", "Began", "End", "Failed", "Head", "Interrupted", "Record", "Sent", "Tape", "TapeWriter"]

MAGIC = b"botcore recording 1\n"
_ANEW = 1 << 31
_BLOCK = 4 * 1024 * 1024
"""Bytes of records after which the compression begins anew."""
_MOST = 256 * 1024 * 1024
"""No block of records is longer: whatever unpacks to more was not written by us."""
_LENGTH = struct.Struct(">I")
_DIGEST = hashlib.sha256().digest_size
_LEVEL = 6
_KEPT_BLOCKS = 4
_log = logging.getLogger(__name__)


class _Record(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """One thing that happened. Moments are nanoseconds since the beginning."""


class Head(_Record, frozen=True):
    """What was recorded: the market's name, botcore's version, the beginning in nanoseconds since 1970, and what it depended on.

    ``asked`` are the queries and ``options`` the options by part, both as plain values; ``seed`` is what chance was drawn from.
    """

    market: str
    version: str
    began: int
    seed: int
    asked: list[dict[str, Any]]
    options: dict[str, dict[str, Any]]


class Began(_Record, frozen=True):
    """Something began."""

    moment: int
    what: str


class Asked(_Record, frozen=True):
    """A request; ``number`` counts them from 0."""

    number: int
    moment: int
    method: str
    target: str
    body: bytes


class Sent(_Record, frozen=True):
    """The request went out."""

    number: int
    moment: int


class Answered(_Record, frozen=True):
    """The request was answered."""

    number: int
    moment: int
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Failed(_Record, frozen=True):
    """The request got no answer: httpx's name for the error, and its words."""

    number: int
    moment: int
    error: str
    words: str


class Interrupted(_Record, frozen=True):
    """Somebody stopped what went on."""

    moment: int
    reason: str


class End(_Record, frozen=True):
    """The recording ended as it should; ``skew`` is the market's clock less ours, in seconds."""

    moment: int
    skew: float


Record: TypeAlias = Head | Began | Asked | Sent | Answered | Failed | Interrupted | End
_DECODER: msgspec.msgpack.Decoder[list[Record]] = msgspec.msgpack.Decoder(list[Record])
_ENCODER = msgspec.msgpack.Encoder()


class TapeWriter:
    """Writes records to a new file, in a thread of its own. ``put`` never waits.

    What cannot be written ends the recording, not the work: it is logged once, and ``close`` raises it. A frame takes what
    waits, up to about ``most`` bytes of it.

    Raises:
        RecordingError: the file exists already, or cannot be made.
    """

    def __init__(self, path: Path, head: Head, most: int = _BLOCK) -> None:
        self.path = path
        self.answers = 0
        self._most = most
        self._waiting: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._trouble: OSError | None = None
        try:
            self._file: IO[bytes] = path.open("xb", buffering=0)
        except FileExistsError:
            raise RecordingError(f"{path} exists already, and a recording is never written over: choose another name") from None
        except OSError as error:
            raise RecordingError(f"{path} cannot be written: {error.strerror}") from None
        self._hash = hashlib.sha256()
        self._block = 0
        self._pack = zlib.compressobj(_LEVEL)
        self._thread = threading.Thread(target=self._work, name=f"recording {path.name}", daemon=True)
        self._waiting.put(head)
        self._thread.start()

    def put(self, record: Record) -> None:
        """Have a record written."""
        self._waiting.put(record)

    def close(self, end: End | None = None) -> None:
        """Write what is left, with the end when there is one. Blocks; raises RecordingError when not all could be written."""
        if end is not None:
            self._waiting.put(end)
        self._waiting.put(None)
        self._thread.join()
        try:
            self._file.close()
        except OSError as error:
            self._trouble = self._trouble or error
        if self._trouble is not None:
            raise RecordingError(f"the recording {self.path} ends after {self.answers:,} answers: {self._trouble.strerror}") from None

    def _work(self) -> None:
        try:
            self._write(MAGIC)
            self._hash.update(MAGIC)
            while batch := self._batch():
                self._frame(batch)
        except OSError as error:
            self._trouble = error
            _log.warning("the recording %s ends here: %s", self.path, error.strerror)
            while self._waiting.get() is not None:
                pass

    def _batch(self) -> list[Record]:
        """What waits, at least one record; none at the end."""
        batch: list[Record] = []
        size = 0
        while size < self._most:
            try:
                record = self._waiting.get(block=not batch)
            except queue.Empty:
                break
            if record is None:
                self._waiting.put(None)  # for the next look, which finds nothing else
                break
            batch.append(record)
            size += 1 + (len(record.body) if isinstance(record, Answered | Asked) else 0)
        return batch

    def _frame(self, batch: list[Record]) -> None:
        data = _ENCODER.encode(batch)
        anew = not self._block or self._block + len(data) > _BLOCK
        if anew:
            self._pack, self._block = zlib.compressobj(_LEVEL), 0
        self._block += len(data)
        packed = self._pack.compress(data) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        head = _LENGTH.pack(len(packed) | (_ANEW if anew else 0))
        self._hash.update(head + packed)
        self._write(head + packed + self._hash.digest())
        self.answers += sum(isinstance(record, Answered) for record in batch)

    def _write(self, data: bytes) -> None:
        """All of it; a file without a buffer may take a part at a time."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]


class _Frame(msgspec.Struct, frozen=True):
    """Where the compressed records of a frame lie, and with which frame their compression began."""

    start: int
    length: int
    block: int


class Tape:
    """A recording that was opened: every byte is verified, bodies are read when they are needed.

    ``whole`` is False where the writing was cut off; ``end`` is None there. ``records()`` gives everything in its order.

    Raises:
        RecordingError: there is no such file, it is no recording, or it was altered; the message says which and where.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames: list[_Frame] = []
        self._torn = False
        try:
            self._file: IO[bytes] = path.open("rb")
        except OSError as error:
            raise RecordingError(f"the recording {path} cannot be read: {error.strerror}") from None
        self._block = lru_cache(_KEPT_BLOCKS)(self._unpacked)
        try:
            self._scan()
            self.head, self.end = self._ends()
        except BaseException:
            self._file.close()
            raise
        self.whole = self.end is not None and not self._torn

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def records(self) -> Iterator[tuple[int, int, Record]]:
        """Every record with the number of its frame and its place in there, for ``record``."""
        for frame in range(len(self._frames)):
            for place, record in enumerate(self._frame(frame)):
                yield frame, place, record

    def record(self, frame: int, place: int) -> Record:
        """One record."""
        return self._frame(frame)[place]

    def _scan(self) -> None:
        """Walk through the frames and compare their digests."""
        if self._file.read(len(MAGIC)) != MAGIC:
            raise RecordingError(f"{self.path} is no recording of botcore, or one of another version")
        digest = hashlib.sha256(MAGIC)
        block = 0
        while head := self._file.read(_LENGTH.size):
            word: int = _LENGTH.unpack(head.ljust(_LENGTH.size, b"\0"))[0]
            length, start = word & ~_ANEW, self._file.tell()
            data = self._file.read(length + _DIGEST)
            if len(head) < _LENGTH.size or len(data) < length + _DIGEST:
                self._torn = True
                break
            digest.update(head + data[:length])
            if digest.digest() != data[length:]:
                raise RecordingError(f"the recording {self.path} was altered or damaged: its check sum is wrong from byte {start} on")
            block = len(self._frames) if word & _ANEW else block
            self._frames.append(_Frame(start, length, block))

    def _ends(self) -> tuple[Head, End | None]:
        first = next(iter(self.records()), None)
        if first is None or not isinstance(first[2], Head):
            raise RecordingError(f"the recording {self.path} was cut off before anything was written")
        last = self._frame(len(self._frames) - 1)[-1]
        return first[2], last if isinstance(last, End) else None

    def _frame(self, number: int) -> list[Record]:
        first = self._frames[number].block
        return self._block(first)[number - first]

    def _unpacked(self, first: int) -> list[list[Record]]:
        """The records of all frames whose compression began with this one."""
        unpack = zlib.decompressobj()
        found = []
        left = _MOST
        for frame in self._frames[first:]:
            if frame.block != first:
                break
            self._file.seek(frame.start)
            try:
                data = unpack.decompress(self._file.read(frame.length), left)
                left = max(1, left - len(data))  # 0 would be no limit; a cut frame is no MessagePack any more
                found.append(_DECODER.decode(data))
            except (zlib.error, msgspec.MsgspecError) as error:
                raise RecordingError(f"the recording {self.path} holds something that this botcore does not write, at byte {frame.start}: {error}") from None
        return found
