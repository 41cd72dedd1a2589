"""Objects of the model <-> the bytes that are kept."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

__all__ = ["Codec"]


def _plain(value: object) -> object:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    raise NotImplementedError(f"{type(value).__name__} is not kept in the cache")


def _rebuilt(kind: type, value: object) -> object:
    if kind is Fraction and isinstance(value, str):
        try:
            return Fraction(value)
        except ZeroDivisionError:
            raise ValueError(f"{value!r} is no fraction") from None
    raise NotImplementedError(f"{kind.__name__} is not kept in the cache")


_encoder = msgspec.msgpack.Encoder(enc_hook=_plain)


class Codec:
    """Encodes any shape of the model as msgpack, and decodes one shape strictly. Raises msgspec.MsgspecError for foreign bytes."""

    def __init__(self, shape: Any) -> None:
        self._decoder = msgspec.msgpack.Decoder(shape, dec_hook=_rebuilt)

    def encode(self, value: object) -> bytes:
        """The value's bytes."""
        return _encoder.encode(value)

    def decode(self, data: bytes) -> Any:
        """A value of the shape, made anew each time, so that nobody changes another's."""
        return self._decoder.decode(data)
