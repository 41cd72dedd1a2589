"""Everything the bot shows passes here: one durable queue, paced to what Telegram allows.

A letter is in the store before anything is sent, and leaves it once Telegram has taken it. One message is in flight at a time,
so that after a crash at most that one is sent twice, since Telegram has no way of asking whether it arrived. Within a chat
letters go in their order. A card is a message that is changed later: what waits for it is replaced by what is newer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count, takewhile

import msgspec
from aiolimiter import AsyncLimiter

from botcore.bot import messages
from botcore.bot.carrier import Away, Blocked, Carrier, Delivered, Later, Moved, Outcome, Parcel, Spoiled
from botcore.bot.posts import TEXT, Post
from botcore.bot.split import shorten, split
from botcore.errors import StoreError
from botcore.store import Draft, Letter, Letters

__all__ = ["ALERT", "Note", "Outbox", "OutboxCounts", "Pace"]

SAY, SHOW, ALERT = "say", "show", "alert"
"""Kinds of letters: a new message, a card, and a card that tells of a find and may come too late."""
MINUTE = 60.0
REST = 10.0
"""Seconds between two digests in a chat."""
DIGEST_MOST = 50
MANY = 256
"""Chats that are kept in mind before those that are quiet are forgotten."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between tries while Telegram is away: doubled each time."""
GRACE = 0.5
"""Seconds added to what Telegram asks for, so that we are never early."""
_log = logging.getLogger(__name__)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How fast to send, each as the size of a leaky bucket and the seconds in which it leaks so much: to all chats together, to one, to one group.

    Telegram allows 30 a second in all, one a second in a chat with short bursts, 20 a minute in a group. A bucketful may go out
    at once, so in any window at most its size and what leaks meanwhile is sent. A little more than one makes up for timers that
    are late.
    """

    every: tuple[float, float] = (1.3, 1.3 / 28.7)
    chat: tuple[float, float] = (3, 3.15)
    group: tuple[float, float] = (4, 16.0)


class OutboxCounts(msgspec.Struct):
    """What became of letters since the start: messages sent, cards changed, refused by flood control, too old, taken into digests, never taken."""

    sent: int = 0
    changed: int = 0
    refused: int = 0
    expired: int = 0
    digested: int = 0
    spoiled: int = 0


class _Body(msgspec.Struct, frozen=True):
    """A letter's body: the post, the message that it changes, its line in a digest, and the language of that."""

    post: Post
    message: int | None = None
    line: str = ""
    lang: str = "en"


class Note(msgspec.Struct, frozen=True):
    """An alert: shown as a card of this name, or as one line of a digest; not sent at all after ``expires_at`` (unix seconds)."""

    card: str
    post: Post
    line: str
    lang: str
    expires_at: float


class _Waiting:
    """A letter that waits, with its body read."""

    __slots__ = ("body", "letter")

    def __init__(self, letter: Letter, body: _Body) -> None:
        self.letter = letter
        self.body = body

    @property
    def alert(self) -> bool:
        return self.letter.kind == ALERT


class _Lane:
    """One chat: what waits for it and how fast it may be sent."""

    def __init__(self, chat_id: int, pace: Pace) -> None:
        self.chat_id = chat_id
        self.waiting: deque[_Waiting] = deque()
        self.limits = [AsyncLimiter(*pace.chat), *([AsyncLimiter(*pace.group)] if chat_id < 0 else [])]
        self.alerted: deque[float] = deque()
        self.digested_at = 0.0
        self.silent_until = 0.0
        self.changed = asyncio.Event()
        self.served = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing would be lost if it were forgotten."""
        return not self.waiting and self.task is None and not self.alerted and all(limit.has_capacity(limit.max_rate) for limit in self.limits)


class Outbox:
    """The queue of one bot. ``sandbox`` labels digests; ``clock`` gives unix seconds.

    Use ``start`` once the store is open and ``close`` at the end. Every method that takes something to show raises StoreError when the
    store cannot keep it; then nothing will be sent.
    """

    def __init__(
        self,
        letters: Letters,
        carrier: Carrier,
        *,
        digest: int,
        sandbox: bool,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.time,
        blocked: Callable[[int, str], Awaitable[None]],
        moved: Callable[[int, int], Awaitable[None]],
    ) -> None:
        self.counts = OutboxCounts()
        self.blocked = blocked
        self.moved = moved
        self._letters = letters
        self._carrier = carrier
        self._digest = digest
        self._sandbox = sandbox
        self._pace = pace or Pace()
        self._clock = clock
        self._lanes: dict[int, _Lane] = {}
        self._ready: asyncio.PriorityQueue[tuple[bool, int, _Lane]] = asyncio.PriorityQueue()
        self._turns = count()
        self._every = AsyncLimiter(*self._pace.every)
        self._keeping = asyncio.Lock()
        self._idle = asyncio.Event()
        self._closing = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._refused_in: int | None = None
        self._pause = 0.0

    def __repr__(self) -> str:
        return f"<Outbox {len(self)} waiting, {self.counts}>"

    def __len__(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    async def start(self) -> None:
        """Take up what an earlier run left, and begin to send."""
        since = self._clock() - MINUTE
        for card in await self._letters.cards(f"{ALERT}/", since=since):
            self._lane(card.chat_id).alerted.append(card.shown_at)
        self._queue(await self._letters.waiting())
        self._sender = asyncio.create_task(self._send())

    async def close(self, within: float = 3.0) -> None:
        """Send for at most so many seconds more; what is left then waits in the store for the next start. The message in flight is never torn."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self.drained()
        self._closing.set()
        for lane in self._lanes.values():
            if lane.task is not None:
                lane.task.cancel()
        if self._sender is not None:
            await self._sender

    async def drained(self) -> None:
        """Wait until nothing waits any more."""
        while len(self):
            self._idle.clear()
            await self._idle.wait()

    # ---- taking in ---------------------------------------------------------------------------------------------------

    async def say(self, chat_id: int, post: Post | str, *, photo: bytes | None = None, message: int | None = None) -> None:
        """Show it as a new message, or in place of ``message``; what is too long is cut into several, the buttons under the last."""
        post = Post(str(post)) if isinstance(post, str) else post
        if photo is not None or message is not None:
            await self._put([self._draft(chat_id, SAY, _Body(post, message), photo=photo)])
            return
        *parts, last = split(post.text, TEXT)
        await self._put([self._draft(chat_id, SAY, _Body(one)) for one in [*map(Post, parts), Post(last, post.buttons)]])

    async def show(self, chat_id: int, card: str, post: Post) -> None:
        """Show it as the card of this name: the message changes when it is there, and comes anew when it is not."""
        async with self._keeping:
            draft = self._draft(chat_id, SHOW, _Body(Post(shorten(post.text, TEXT), post.buttons)), card=card)
            if not await self._replaced(draft):
                self._queue(await self._letters.put([draft], at=self._clock()))

    async def alert(self, notes: Iterable[tuple[int, Note]]) -> None:
        """Tell chats of finds, all of them kept in one transaction."""
        bodies = ((chat_id, note, _Body(note.post, line=str(note.line), lang=note.lang)) for chat_id, note in notes)
        await self._put([self._draft(chat_id, ALERT, body, card=f"{ALERT}/{note.card}", expires_at=note.expires_at) for chat_id, note, body in bodies])

    async def change_alert(self, chat_id: int, card: str, post: Post) -> None:
        """Change an alert that was shown; one that never was stays away, and one that still waits goes."""
        name = f"{ALERT}/{card}"
        lane = self._lanes.get(chat_id)
        waiting = [one for one in lane.waiting if one.letter.card == name] if lane else []
        if lane is not None and waiting:
            for one in waiting:
                lane.waiting.remove(one)
            await self._letters.drop([one.letter.id for one in waiting])
        elif await self._letters.card(chat_id, name) is not None:
            await self.show(chat_id, name, post)

    async def forget(self, chat_id: int) -> None:
        """Throw away what waits for a chat that nothing can be sent to."""
        lane = self._lanes.pop(chat_id, None)
        if lane is not None:
            lane.waiting.clear()
            lane.changed.set()
            lane.served.set()
        self._rest()
        await self._letters.forget_chat(chat_id)

    async def prune(self, before: float) -> None:
        """Forget cards that were shown before this (unix seconds): they are not changed any more."""
        await self._letters.prune_cards(before)

    def _draft(self, chat_id: int, kind: str, body: _Body, *, card: str = "", photo: bytes | None = None, expires_at: float | None = None) -> Draft:
        return Draft(chat_id=chat_id, kind=kind, body=msgspec.json.encode(body).decode(), card=card, photo=photo, expires_at=expires_at)

    async def _put(self, drafts: Sequence[Draft]) -> None:
        async with self._keeping:  # or two callers' letters might be queued in another order than they are kept
            self._queue(await self._letters.put(drafts, at=self._clock()))

    async def _replaced(self, draft: Draft) -> bool:
        """Put it in the place of what waits for the same card. In memory first: should that be sent while the store writes, it is the new one."""
        lane = self._lanes.get(draft.chat_id)
        for one in lane.waiting if lane else ():
            if one.letter.card == draft.card:
                one.body = msgspec.json.decode(draft.body, type=_Body)
                await self._letters.replace(one.letter.id, draft)
                return True
        return False

    def _queue(self, letters: Iterable[Letter]) -> None:
        for letter in letters:
            lane = self._lane(letter.chat_id)
            lane.waiting.append(_Waiting(letter, msgspec.json.decode(letter.body, type=_Body)))
            lane.changed.set()
            if lane.task is None:
                lane.task = asyncio.create_task(self._serve(lane))

    def _lane(self, chat_id: int) -> _Lane:
        if chat_id not in self._lanes:
            if len(self._lanes) >= MANY:
                self._lanes = {number: lane for number, lane in self._lanes.items() if not lane.idle}
            self._lanes[chat_id] = _Lane(chat_id, self._pace)
        return self._lanes[chat_id]

    # ---- one chat ----------------------------------------------------------------------------------------------------

    async def _serve(self, lane: _Lane) -> None:
        """Ask for a turn whenever the chat's pace allows one, as long as anything waits."""
        try:
            while lane.waiting and lane is self._lanes.get(lane.chat_id):
                await self._until_open(lane)
                for limit in lane.limits:
                    await limit.acquire()
                if lane.waiting:
                    lane.served.clear()
                    self._ready.put_nowait((lane.waiting[0].alert, next(self._turns), lane))
                    await lane.served.wait()
        finally:
            lane.task = None

    async def _until_open(self, lane: _Lane) -> None:
        """Wait while Telegram wants silence in the chat, or while alerts gather for their digest."""
        while lane.waiting:
            now = self._clock()
            until = max(lane.silent_until, self._held_until(lane, now))
            if until <= now:
                return
            lane.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(until - now):
                    await lane.changed.wait()

    def _held_until(self, lane: _Lane, now: float) -> float:
        """When something may be sent: at once, unless all that waits are alerts that gather for a digest."""
        if any(not one.alert for one in lane.waiting) or not self._crowded(lane, now):
            return 0.0
        return lane.digested_at + REST

    def _crowded(self, lane: _Lane, now: float) -> bool:
        """Whether the chat had its number of alerts within the last minute."""
        while lane.alerted and lane.alerted[0] <= now - MINUTE:
            lane.alerted.popleft()
        return len(lane.alerted) >= self._digest

    def _rest(self) -> None:
        if not len(self):
            self._idle.set()

    # ---- sending -----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        """Give out turns, the most urgent first and one at a time, until closed."""
        closing = asyncio.create_task(self._closing.wait())
        while not self._closing.is_set():
            turn = asyncio.create_task(self._turn())
            await asyncio.wait({closing, turn}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                turn.cancel()
                break
            lane = turn.result()
            try:
                await self._next_of(lane)
            finally:
                lane.served.set()
                self._rest()

    async def _turn(self) -> _Lane:
        _, _, lane = await self._ready.get()
        await self._every.acquire()
        return lane

    async def _next_of(self, lane: _Lane) -> None:
        taken = await self._take(lane)
        if not taken:
            return
        head = taken[0]
        outcome = await self._carrier.carry(await self._parcel(lane.chat_id, taken))
        if isinstance(outcome, Delivered):
            self._pause, self._refused_in = 0.0, None
            await self._settle(lane, taken, outcome.message, self._card_of(taken))
            self._tally(lane, taken, changed=head.body.message == outcome.message)
        else:
            await self._undelivered(lane, taken, outcome)

    async def _take(self, lane: _Lane) -> list[_Waiting]:
        """What goes out next: a letter, or several alerts for a digest. What came too late is thrown away."""
        now = self._clock()
        late = [one for one in lane.waiting if one.letter.expires_at is not None and one.letter.expires_at <= now]
        if late:
            self.counts.expired += len(late)
            for one in late:
                lane.waiting.remove(one)
            await self._letters.drop([one.letter.id for one in late])
        if not lane.waiting:
            return []
        if not (lane.waiting[0].alert and self._crowded(lane, now)):
            return [lane.waiting.popleft()]
        return self._gather(lane, now)

    def _gather(self, lane: _Lane, now: float) -> list[_Waiting]:
        """Alerts for one digest; while they are not due yet, the first letter behind them."""
        if lane.digested_at + REST > now:
            other = next((one for one in lane.waiting if not one.alert), None)
            if other is not None:
                lane.waiting.remove(other)
            return [other] if other is not None else []
        lane.digested_at = now
        taken = list(takewhile(lambda one: one.alert, lane.waiting))[:DIGEST_MOST]
        for _ in taken:
            lane.waiting.popleft()
        return taken

    async def _parcel(self, chat_id: int, taken: list[_Waiting]) -> Parcel:
        head = taken[0]
        if len(taken) > 1:
            return Parcel(chat_id, messages.digest(head.body.lang, [one.body.line for one in taken], self._sandbox))
        message = head.body.message
        if head.letter.card and head.letter.kind == SHOW:
            message = await self._letters.card(chat_id, head.letter.card)
            head.body = msgspec.structs.replace(head.body, message=message)
        return Parcel(chat_id, head.body.post, head.letter.photo, message)

    def _card_of(self, taken: list[_Waiting]) -> list[str]:
        """The card that the message became; a digest is nobody's card."""
        return [taken[0].letter.card] if len(taken) == 1 and taken[0].letter.card else []

    async def _settle(self, lane: _Lane, taken: list[_Waiting], message: int, cards: Sequence[str]) -> None:
        """Note in the store what was sent, before anything else is sent. A store that fails is asked again until it does not."""
        said = False
        while True:
            try:
                await self._letters.sent([one.letter.id for one in taken], chat_id=lane.chat_id, cards=cards, message_id=message, at=self._clock())
            except StoreError as error:
                if self._closing.is_set():
                    return
                if not said:
                    _log.error("nothing more is sent until the store takes note of what was: %s", error)
                said = True
                await self._sleep(FIRST_PAUSE)
            else:
                return

    def _tally(self, lane: _Lane, taken: list[_Waiting], *, changed: bool) -> None:
        self.counts.sent += not changed
        self.counts.changed += changed
        if len(taken) > 1:
            self.counts.digested += len(taken)
        elif taken[0].alert:
            lane.alerted.append(self._clock())

    # ---- what did not arrive -----------------------------------------------------------------------------------------

    async def _undelivered(self, lane: _Lane, taken: list[_Waiting], outcome: Outcome) -> None:
        if isinstance(outcome, Spoiled):
            self.counts.spoiled += len(taken)
            _log.error("Telegram does not take a message, so it is thrown away: %s", outcome.reason)
            await self._letters.drop([one.letter.id for one in taken])
        elif isinstance(outcome, Blocked):
            await self.forget(lane.chat_id)
            await self.blocked(lane.chat_id, outcome.reason)
        elif isinstance(outcome, Moved):
            await self._move(lane, taken, outcome.chat_id)
        else:
            lane.waiting.extendleft(reversed(taken))
            await self._wait(lane, outcome)

    async def _wait(self, lane: _Lane, outcome: Outcome) -> None:
        """Be silent in this chat; in all of them when another chat was refused just before, or when Telegram is away."""
        if isinstance(outcome, Later):
            self.counts.refused += 1
            lane.silent_until = self._clock() + outcome.seconds + GRACE
            if self._refused_in not in (None, lane.chat_id):
                await self._sleep(outcome.seconds + GRACE)
            self._refused_in = lane.chat_id
        elif isinstance(outcome, Away):
            if not self._pause:
                _log.warning("Telegram takes no messages; they wait: %s", outcome.reason)
            self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
            await self._sleep(self._pause)

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not when the outbox is to be closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _move(self, lane: _Lane, taken: list[_Waiting], chat_id: int) -> None:
        """The group goes on under another id, and so does what waits for it."""
        lane.waiting.extendleft(reversed(taken))
        waiting, lane.waiting = list(lane.waiting), deque()
        self._lanes.pop(lane.chat_id, None)
        await self._letters.move_chat(lane.chat_id, chat_id)
        self._queue(msgspec.structs.replace(one.letter, chat_id=chat_id) for one in waiting)
        await self.moved(lane.chat_id, chat_id)
