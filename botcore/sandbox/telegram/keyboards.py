"""Keyboards under messages: what of ``reply_markup`` is allowed (api page, sections 4 and 6)."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from botcore.sandbox.telegram.failures import bad_request

__all__ = ["checked_markup", "inline_only"]

_MOST_BUTTONS = 100
_MOST_IN_A_ROW = 8
_MOST_BYTES = 10_240
_MOST_DATA_BYTES = 64
_MOST_COPIED = 256
_ACTIONS = (
    *("url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat"),
    *("switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay"),
)
_URL = re.compile(r"(?:https?://[^\s/?#]+|(?:tg|ton)://\S+)\S*", re.IGNORECASE)
_OTHER_MARKUPS = ("keyboard", "remove_keyboard", "force_reply")


def checked_markup(markup: dict[str, Any]) -> dict[str, Any] | None:
    """The inline keyboard a message will carry, None without one.

    A reply keyboard, its removal and a forced reply are accepted and leave no trace: they are part
    of the client, not of the message. Raises Failure 400.
    """
    if not markup or any(name in markup for name in _OTHER_MARKUPS):
        return None
    return inline_only(markup)


def inline_only(markup: dict[str, Any]) -> dict[str, Any] | None:
    """The same where nothing but an inline keyboard may stand. Raises Failure 400."""
    if not markup:
        return None
    rows = markup.get("inline_keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("inline keyboard expected")
    kept = [[_checked(button) for button in row] for row in rows if row]
    if sum(map(len, kept)) > _MOST_BUTTONS or any(len(row) > _MOST_IN_A_ROW for row in kept) or len(msgspec.json.encode(kept)) > _MOST_BYTES:
        raise bad_request("reply markup is too long")
    return {"inline_keyboard": kept} if kept else None


def _checked(button: Any) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    text = button.get("text")
    if not isinstance(text, str) or not text.strip():
        raise bad_request('can\'t parse inline keyboard button: Field "text" must be a non-empty String')
    actions = [name for name in _ACTIONS if button.get(name) is not None]
    if not actions:
        raise bad_request("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad_request("BUTTON_TYPE_INVALID")
    _check_action(button)
    return {name: value for name, value in button.items() if value is not None}


def _check_action(button: dict[str, Any]) -> None:
    data, url, copied = button.get("callback_data"), button.get("url"), button.get("copy_text")
    if data is not None and (not isinstance(data, str) or not 1 <= len(data.encode()) <= _MOST_DATA_BYTES):
        raise bad_request("BUTTON_DATA_INVALID")
    if url is not None and (not isinstance(url, str) or not _URL.fullmatch(url)):
        raise bad_request("BUTTON_URL_INVALID")
    if copied is not None and not (isinstance(copied, dict) and 1 <= len(str(copied.get("text", ""))) <= _MOST_COPIED):
        raise bad_request("BUTTON_COPY_TEXT_INVALID")
