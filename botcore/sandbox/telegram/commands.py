"""The command menus of the bot, by scope and language (api page, section 3.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botcore.sandbox.telegram.failures import bad_request

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.objects import Chat

__all__ = ["Commands"]

Menu = list[dict[str, str]]
Scope = tuple[str, int, int]

_MOST = 100
_MOST_DESCRIPTION = 256
_NAME = re.compile(r"/?([a-z0-9_]{1,32})")
_LANGUAGE = re.compile(r"[a-z]{2}|")
_PLAIN_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators")
_CHAT_SCOPES = ("chat", "chat_administrators", "chat_member")


class Commands:
    """Menus as the bot set them. Methods raise Failure 400."""

    def __init__(self) -> None:
        self._menus: dict[tuple[Scope, str], Menu] = {}

    def set(self, call: Call) -> int | None:
        """Keep a menu; an empty one is forgotten. Answers the chat of its scope, None for a wider one."""
        scope, language = _key(call)
        menu = [_checked(one) for one in call.listing("commands", "commands") or []]
        if len(menu) > _MOST:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        self._menus.pop((scope, language), None)
        if menu:
            self._menus[scope, language] = menu
        return scope[1] or None

    def get(self, call: Call) -> Menu:
        """Exactly the menu of this scope and language."""
        return self._menus.get(_key(call), [])

    def delete(self, call: Call) -> int | None:
        """Forget a menu. Answers the chat of its scope, None for a wider one."""
        scope, language = _key(call)
        self._menus.pop((scope, language), None)
        return scope[1] or None

    def seen_in(self, chat: Chat, language: str) -> Menu:
        """What a person sees in a chat: the narrowest scope that has a menu, in his language or else in none."""
        wide = ("all_private_chats", 0, 0) if chat.type == "private" else ("all_group_chats", 0, 0)
        scopes: list[Scope] = [("chat", chat.id, 0), wide, ("default", 0, 0)]
        menus = (self._menus.get((scope, one)) for scope in scopes for one in (language, ""))
        return next((menu for menu in menus if menu), [])


def _key(call: Call) -> tuple[Scope, str]:
    scope = call.record("scope", "BotCommandScope")
    kind, language = scope.get("type", "default"), call.text("language_code")
    if not _LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    if kind in _PLAIN_SCOPES:
        return (kind, 0, 0), language
    if kind not in _CHAT_SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    return (kind, _number(scope, "chat_id"), _number(scope, "user_id") if kind == "chat_member" else 0), language


def _number(scope: dict[str, Any], name: str) -> int:
    try:
        return int(scope[name])
    except (KeyError, TypeError, ValueError):
        raise bad_request(f"can't parse BotCommandScope: Can't find field \"{name}\"") from None


def _checked(command: Any) -> dict[str, str]:
    if not isinstance(command, dict) or not all(isinstance(command.get(name), str) for name in ("command", "description")):
        raise bad_request("can't parse BotCommand: expected an Object with command and description")
    name = _NAME.fullmatch(command["command"])
    if name is None:
        raise bad_request("BOT_COMMAND_INVALID")
    if not 1 <= len(command["description"].strip()) <= _MOST_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name[1], "description": command["description"].strip()}
