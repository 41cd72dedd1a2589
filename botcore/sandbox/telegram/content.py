"""What a message says: text, caption, quotes, replies and keyboards out of the parameters of a call (api page, section 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from botcore.sandbox.telegram.failures import bad_request
from botcore.sandbox.telegram.html import parse_html
from botcore.sandbox.telegram.keyboards import checked_markup, inline_only
from botcore.sandbox.telegram.objects import Entity, Quote
from botcore.sandbox.telegram.text import Formatted, clean, tidy, units

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.objects import Message
    from botcore.sandbox.telegram.rooms import Room
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Content"]

_MOST_TEXT = 4096
_MOST_CAPTION = 1024
_MOST_RAW_BYTES = 32_768
_QUOTED = ("bold", "italic", "underline", "strikethrough", "spoiler", "custom_emoji")
_LINKS = ("url", "text_link")


class Content:
    """Reads the fields of a message from a call. Everything raises Failure 400."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    def text(self, call: Call) -> dict[str, Any]:
        """The fields of a text message."""
        formatted = self._formatted(call, "text", "entities")
        if not formatted.text:
            raise bad_request("message text is empty")
        if len(formatted.text) > _MOST_TEXT:
            raise bad_request("message is too long")
        preview = call.record("link_preview_options", "link preview options") if any(one.type in _LINKS for one in formatted.entities) else None
        return {"text": formatted.text, "entities": formatted.entities, "link_preview_options": preview or None}

    def caption(self, call: Call) -> dict[str, Any]:
        """The fields of a caption, which may be empty."""
        formatted = self._formatted(call, "caption", "caption_entities")
        if len(formatted.text) > _MOST_CAPTION:
            raise bad_request("message caption is too long")
        above = call.flag("show_caption_above_media")
        return {"caption": formatted.text or None, "caption_entities": formatted.entities, "show_caption_above_media": above}

    def common(self, call: Call, room: Room) -> dict[str, Any]:
        """The fields every new message may have."""
        if call.integer("message_thread_id"):
            raise bad_request("message thread not found")
        markup = checked_markup(call.record("reply_markup", "reply keyboard markup"))
        return {"reply_markup": markup, "has_protected_content": call.flag("protect_content"), **self._reply(call, room)}

    def keyboard(self, call: Call) -> dict[str, Any] | None:
        """The keyboard an edited message gets: none when left out."""
        return inline_only(call.record("reply_markup", "inline keyboard"))

    def _formatted(self, call: Call, name: str, entities: str) -> Formatted:
        raw = call.text(name)
        if len(raw.encode()) > _MOST_RAW_BYTES:
            raise bad_request("text is too long")
        return tidy(self._parsed(raw, call.text("parse_mode"), call.listing(entities, "entities")))

    def _parsed(self, raw: str, mode: str, entities: list[Any] | None) -> Formatted:
        """Markup in HTML, or plain text with entities beside it. The other two markups are not spoken here."""
        if mode.lower() == "html":
            return parse_html(raw, self._telegram.users)
        if mode and mode.lower() != "none":
            raise bad_request("unsupported parse_mode")
        try:
            marked = msgspec.convert(entities or [], tuple[Entity, ...])
        except msgspec.ValidationError:
            raise bad_request("can't parse entities: expected an Array of MessageEntity") from None
        total = units(raw)
        return Formatted(clean(raw), tuple(one for one in marked if one.offset >= 0 and one.length > 0 and one.end <= total))

    def _reply(self, call: Call, room: Room) -> dict[str, Any]:
        wanted = call.record("reply_parameters", "ReplyParameters")
        number = _number(wanted.get("message_id", call.integer("reply_to_message_id")))
        if not number:
            return {}
        target = self._reply_room(wanted, room).messages.get(number)
        if target is None:
            if wanted.get("allow_sending_without_reply") or call.flag("allow_sending_without_reply"):
                return {}
            raise bad_request("message to be replied not found")
        return {"reply_to_message": target.unreplied, "quote": self._quote(wanted, target)}

    def _reply_room(self, wanted: dict[str, Any], room: Room) -> Room:
        return self._telegram.named(str(wanted["chat_id"])) if wanted.get("chat_id") else room

    def _quote(self, wanted: dict[str, Any], target: Message) -> Quote | None:
        if not wanted.get("quote"):
            return None
        formatted = tidy(self._parsed(str(wanted["quote"]), str(wanted.get("quote_parse_mode") or ""), wanted.get("quote_entities")))
        whole = target.text or target.caption or ""
        if not formatted.text or formatted.text not in whole:
            raise bad_request("QUOTE_TEXT_INVALID")
        styles = tuple(one for one in formatted.entities if one.type in _QUOTED)
        return Quote(text=formatted.text, position=units(whole[: whole.index(formatted.text)]), is_manual=True, entities=styles)


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int) or str(value).isdecimal() else 0
