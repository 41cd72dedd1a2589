"""Methods about the bot itself, its chats and its files (api page, sections 3.1, 3.4 and 3.14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from botcore.sandbox.telegram.calls import Call
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Profile"]

_CAN_NOT = (
    *("can_read_all_group_messages", "supports_guest_queries", "supports_inline_queries", "can_connect_to_business", "has_main_web_app"),
    *("has_topics_enabled", "allows_users_to_create_topics", "can_manage_bots", "supports_join_request_queries"),
)


class Profile:
    """Tells what is known and keeps the command menus. Everything raises Failure."""

    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram

    def me(self, _: Call) -> dict[str, Any]:
        """``getMe``."""
        return {**msgspec.to_builtins(self._telegram.bot), "can_join_groups": True, **dict.fromkeys(_CAN_NOT, False)}

    def chat(self, call: Call) -> dict[str, Any]:
        """``getChat``."""
        room = self._telegram.named(call.text("chat_id"))
        gifts = dict.fromkeys(("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False)
        full = {"accent_color_id": abs(room.chat.id) % 7, "max_reaction_count": 11, "accepted_gift_types": gifts}
        return {**msgspec.to_builtins(room.chat), **full}

    def file(self, call: Call) -> dict[str, Any]:
        """``getFile``."""
        stored = self._telegram.files.downloadable(call.text("file_id"))
        return {"file_id": stored.file_id, "file_unique_id": stored.file_unique_id, "file_size": len(stored.data), "file_path": stored.path}

    def set_commands(self, call: Call) -> bool:
        """``setMyCommands``."""
        self._telegram.events.add("commands", self._telegram.commands.set(call))
        return True

    def get_commands(self, call: Call) -> list[dict[str, str]]:
        """``getMyCommands``."""
        return self._telegram.commands.get(call)

    def delete_commands(self, call: Call) -> bool:
        """``deleteMyCommands``."""
        self._telegram.events.add("commands", self._telegram.commands.delete(call))
        return True

    def agree(self, _: Call) -> bool:
        """What changes nothing anybody sees here: names, descriptions, the menu button."""
        return True
