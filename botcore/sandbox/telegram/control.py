"""The server's own routes under ``/sandbox/``: what persons see and do, faults, and what was called. A real Telegram has none of them.

Everything is JSON; an error is ``{"message": ...}`` with 400 or 404.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from botcore.sandbox.telegram.faults import Fault
from botcore.sandbox.telegram.people import Missing, Unfit
from botcore.sandbox.telegram.updates import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from botcore.sandbox.telegram.faults import Faults
    from botcore.sandbox.telegram.people import People
    from botcore.sandbox.telegram.rooms import Room
    from botcore.sandbox.telegram.state import Telegram

__all__ = ["Control"]

_SHOWN = 200


class _Send(msgspec.Struct, frozen=True):
    user_id: int
    chat_id: int
    text: str
    reply_to: int | None = None


class _Press(msgspec.Struct, frozen=True):
    user_id: int
    chat_id: int
    message_id: int
    data: str
    forged: bool = False


class _Update(msgspec.Struct, frozen=True):
    update: dict[str, Any]


class _Block(msgspec.Struct, frozen=True):
    user_id: int
    blocked: bool


class _Migrate(msgspec.Struct, frozen=True):
    chat_id: int


class _Delete(msgspec.Struct, frozen=True):
    chat_id: int
    message_id: int


class Control:
    """Answers the control routes, events apart."""

    def __init__(self, telegram: Telegram, people: People, faults: Faults) -> None:
        self._telegram = telegram
        self._people = people
        self._faults = faults
        self._reads = {"people": self._who, "log": self._log, "calls": self._calls, "served": self._served}
        self._writes: dict[str, tuple[type[msgspec.Struct], Callable[[Any], dict[str, Any]]]] = {
            "send": (_Send, self._send),
            "press": (_Press, self._press),
            "update": (_Update, self._update),
            "block": (_Block, self._block),
            "migrate": (_Migrate, self._migrate),
            "delete": (_Delete, self._delete),
            "fail": (Fault, self._fail),
        }

    async def answer(self, request: web.Request) -> web.Response:
        """The answer to a control request."""
        path = request.match_info["path"]
        try:
            if request.method == "GET":
                return self._read(path, dict(request.query))
            if request.method == "POST":
                return _json(self._write(path, await request.read()))
        except Missing as error:
            return _json({"message": str(error)}, 404)
        except (Unfit, ValueError, msgspec.DecodeError) as error:
            return _json({"message": str(error)}, 400)
        return _json({"message": "use GET or POST"}, 405)

    def _read(self, path: str, query: dict[str, str]) -> web.Response:
        head, _, rest = path.partition("/")
        if head == "chats" and rest:
            return _json(self._chat(int(rest), query))
        if head == "files" and rest:
            return self._file(rest)
        if path not in self._reads:
            raise Missing(f"there is no /sandbox/{path}")
        return _json(self._reads[path](query))

    def _write(self, path: str, body: bytes) -> dict[str, Any]:
        if path == "fail/clear":
            self._faults.clear()
        elif path == "served/reset":
            self._telegram.tally.reset()
            self._telegram.updates.made = 0
        elif path in self._writes:
            kind, act = self._writes[path]
            return act(msgspec.json.decode(body or b"{}", type=kind))
        else:
            raise Missing(f"there is no /sandbox/{path}")
        return {}

    def _who(self, _: dict[str, str]) -> dict[str, Any]:
        bot = self._telegram.bot
        chats = [_listed(room) for room in self._telegram.rooms.values() if room.moved_to is None]
        return {
            "bot": {"id": bot.id, "username": bot.username, "first_name": bot.first_name},
            "people": list(self._telegram.users.values()),
            "chats": chats,
        }

    def _chat(self, chat_id: int, query: dict[str, str]) -> dict[str, Any]:
        room = self._telegram.rooms.get(chat_id)
        if room is None:
            raise Missing(f"there is no chat {chat_id}")
        commands = self._telegram.commands.seen_in(room.chat, query.get("language", ""))
        return {"chat_id": chat_id, "messages": room.latest(_SHOWN), "commands": commands, "last": self._telegram.events.last}

    def _file(self, file_id: str) -> web.Response:
        """A picture to look at; anything else only to save, since it would be run as the page's own."""
        stored = self._telegram.files.by_id(file_id)
        if stored is None:
            raise Missing(f"there is no file {file_id}")
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
        if stored.kind != "photo":
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=stored.data, content_type=stored.mime_type, headers=headers)

    def _log(self, query: dict[str, str]) -> dict[str, Any]:
        return {"events": self._telegram.events.since(int(query.get("after", "0"))), "last": self._telegram.events.last}

    def _calls(self, query: dict[str, str]) -> dict[str, Any]:
        return {"calls": self._telegram.tally.since(int(query.get("after", "0"))), "last": self._telegram.tally.last}

    def _served(self, _: dict[str, str]) -> dict[str, Any]:
        return {**self._telegram.tally.report(), "updates": self._telegram.updates.made, "waiting": len(self._telegram.updates)}

    def _send(self, asked: _Send) -> dict[str, Any]:
        update, message = self._people.write(asked.user_id, asked.chat_id, asked.text, reply_to=asked.reply_to)
        return {"update_id": update, "message_id": message}

    def _press(self, asked: _Press) -> dict[str, Any]:
        update, query = self._people.press(asked.user_id, asked.chat_id, asked.message_id, asked.data, forged=asked.forged)
        return {"update_id": update, "callback_query_id": query}

    def _update(self, asked: _Update) -> dict[str, Any]:
        kinds = [kind for kind in asked.update if kind in KINDS]
        if len(kinds) != 1 or len(asked.update) != 1:
            raise Unfit("an update has one kind and no id: " + ", ".join(KINDS))
        return {"update_id": self._telegram.updates.add(kinds[0], asked.update[kinds[0]])}

    def _block(self, asked: _Block) -> dict[str, Any]:
        return {"update_id": self._people.block(asked.user_id, blocked=asked.blocked)}

    def _migrate(self, asked: _Migrate) -> dict[str, Any]:
        return {"chat_id": self._people.migrate(asked.chat_id)}

    def _delete(self, asked: _Delete) -> dict[str, Any]:
        self._people.delete(asked.chat_id, asked.message_id)
        return {}

    def _fail(self, asked: Fault) -> dict[str, Any]:
        self._faults.plan(asked)
        return {}


def _listed(room: Room) -> dict[str, Any]:
    chat = room.chat
    title = chat.title or " ".join(filter(None, (chat.first_name, chat.last_name)))
    return {"id": chat.id, "type": "private" if room.private else "group", "title": title, "people": room.members}


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), status=status, content_type="application/json", headers={"Cache-Control": "no-store"})
