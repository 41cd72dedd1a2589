"""The objects of the Bot API that this server makes (api page, section 4). Frozen: an edit makes a new message.

A field at its default is left out of the JSON, as Telegram does; what must always be there has no default.
"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Chat", "Document", "Entity", "Message", "PhotoSize", "Quote", "User", "message_id_of"]


class User(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person or the bot."""

    id: int
    is_bot: bool
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


class Chat(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where messages are; ``type`` is private, group or supergroup."""

    id: int
    type: str
    title: str | None = None
    username: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class Entity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A span of a text; ``offset`` and ``length`` count UTF-16 code units."""

    type: str
    offset: int
    length: int
    url: str | None = None
    user: User | None = None
    language: str | None = None
    custom_emoji_id: str | None = None
    unix_time: int | None = None
    date_time_format: str | None = None

    @property
    def end(self) -> int:
        """The code unit after the last."""
        return self.offset + self.length


class PhotoSize(msgspec.Struct, frozen=True, kw_only=True):
    """A photo in one size, in pixels and bytes."""

    file_id: str
    file_unique_id: str
    width: int
    height: int
    file_size: int


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file of any other kind."""

    file_id: str
    file_unique_id: str
    file_size: int
    file_name: str | None = None
    mime_type: str | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The part of a message that a reply quotes; ``position`` counts UTF-16 code units."""

    text: str
    position: int
    is_manual: bool
    entities: tuple[Entity, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"sender": "from"}):
    """A message as its chat shows it; ``date`` and ``edit_date`` are unix seconds."""

    message_id: int
    date: int
    chat: Chat
    sender: User
    edit_date: int | None = None
    reply_to_message: Message | None = None
    quote: Quote | None = None
    text: str | None = None
    entities: tuple[Entity, ...] = ()
    link_preview_options: dict[str, Any] | None = None
    photo: tuple[PhotoSize, ...] = ()
    document: Document | None = None
    caption: str | None = None
    caption_entities: tuple[Entity, ...] = ()
    show_caption_above_media: bool = False
    has_media_spoiler: bool = False
    has_protected_content: bool = False
    reply_markup: dict[str, Any] | None = None
    migrate_to_chat_id: int | None = None
    migrate_from_chat_id: int | None = None

    @property
    def unreplied(self) -> Message:
        """The same as a reply shows it: replies do not nest."""
        return msgspec.structs.replace(self, reply_to_message=None, quote=None)

    @property
    def is_service(self) -> bool:
        """Whether Telegram itself wrote it."""
        return bool(self.migrate_to_chat_id or self.migrate_from_chat_id)


def message_id_of(result: object) -> int | None:
    """The id of the message a method gave, None when it gave something else."""
    return result.message_id if isinstance(result, Message) else None
