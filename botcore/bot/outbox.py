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
from functools import partial
from itertools import count
from typing import TypeVar

import msgspec
from aiolimiter import AsyncLimiter

from botcore.bot import messages
from botcore.bot.carrier import Away, Blocked, Carrier, Delivered, Later, Moved, Outcome, Parcel, Spoiled
from botcore.bot.checks import Checks, Fate, Gate
from botcore.bot.lanes import ALERT, MINUTE, SAY, SHOW, Body, Lane, Pace, Waiting
from botcore.bot.notes import Note, OutboxCounts
from botcore.bot.posts import CAPTION, TEXT, Post
from botcore.bot.split import shorten, split
from botcore.errors import StoreError
from botcore.store import Draft, Letter, Letters

__all__ = ["ALERT", "Outbox", "Pace"]

MANY = 256
"""Chats that are kept in mind before those that are quiet are forgotten."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds between tries while Telegram is away: doubled each time."""
GRACE = 0.5
"""Seconds added to what Telegram asks for, so that we are never early."""
LANDING = 0.7
"""Seconds that a message in flight has to arrive once the outbox is to be closed."""
_log = logging.getLogger(__name__)
T = TypeVar("T")


class Outbox:
    """The queue of one bot. ``gate`` knows whether alerts of a watch still hold, without it all do. ``sandbox`` labels digests, ``clock`` gives unix seconds.

    Use ``start`` once the store is open and ``close`` at the end. Every method that takes something to show raises StoreError when the
    store cannot keep it; then nothing will be sent.
    """

    def __init__(  # noqa: PLR0913 - each is a neighbour, or what the chats' limits are
        self,
        letters: Letters,
        carrier: Carrier,
        *,
        gate: Gate | None = None,
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
        self._checks = Checks(gate, clock, self._lapsed, self._at_once)
        self._lanes: dict[int, Lane] = {}
        self._ready: asyncio.PriorityQueue[tuple[bool, int, Lane]] = asyncio.PriorityQueue()
        self._turns = count()
        self._every = AsyncLimiter(*self._pace.every)
        self._keeping = asyncio.Lock()
        self._deaf: set[int] = set()
        self._moved: dict[int, int] = {}
        self._aloft: list[Waiting] = []
        self._landed = asyncio.Event()
        self._idle = asyncio.Event()
        self._closing = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None
        self._refused_in: int | None = None
        self._pause = 0.0

    def __repr__(self) -> str:
        return f"<Outbox {len(self)} waiting, {self.counts}>"

    def __len__(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    async def start(self, deaf: Iterable[int] = ()) -> None:
        """Take up what an earlier run left, and begin to send. ``deaf`` chats are known to take nothing."""
        self._deaf.update(deaf)
        since = self._clock() - MINUTE
        for card in await self._letters.cards(f"{ALERT}/", since=since):
            self._lane(card.chat_id).alerted.append(card.shown_at)
        self._queue(await self._legible(await self._letters.waiting()))
        self._sender = asyncio.create_task(self._send())

    async def _legible(self, letters: Iterable[Letter]) -> list[Waiting]:
        """The letters that this version can read; others are thrown away."""
        found, lost = [], []
        for letter in letters:
            try:
                found.append(Waiting.read(letter))
            except msgspec.DecodeError:
                lost.append(letter.id)
        if lost:
            _log.error("%s messages that another version of botcore left cannot be read, so they are thrown away", len(lost))
            await self._letters.drop(lost)
        return found

    async def close(self, within: float = 3.0) -> None:
        """Send for at most so many seconds more; what is left then waits in the store for the next start.

        A message that is in flight then has a moment to arrive. One that does not is cut off, and will be sent again.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self.drained()
        self._closing.set()
        self._checks.close()
        for lane in self._lanes.values():
            if lane.task is not None:
                lane.task.cancel()
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=LANDING)
            self._sender.cancel()
            await asyncio.wait([self._sender])

    async def drained(self) -> None:
        """Wait until nothing waits or is in flight any more."""
        while len(self) or self._aloft:
            self._idle.clear()
            await self._idle.wait()

    # ---- taking in ---------------------------------------------------------------------------------------------------

    async def say(self, chat_id: int, post: Post | str, *, photo: bytes | None = None, message: int | None = None) -> None:
        """Show it as a new message, or in place of ``message``; what is too long is cut into several, the buttons under the last."""
        post = Post(str(post)) if isinstance(post, str) else post
        if photo is not None or message is not None:
            one = Post(shorten(post.text, TEXT if photo is None else CAPTION), post.buttons)
            await self._put([self._draft(chat_id, SAY, Body(one, message), photo=photo)])
            return
        *parts, last = split(post.text, TEXT)
        await self._put([self._draft(chat_id, SAY, Body(one)) for one in [*map(Post, parts), Post(last, post.buttons)]])

    async def show(self, chat_id: int, card: str, post: Post) -> None:
        """Show it as the card of this name: the message changes when it is there, and comes anew when it is not."""
        draft = self._draft(chat_id, SHOW, Body(Post(shorten(post.text, TEXT), post.buttons)), card=card)
        async with self._keeping:
            if not await self._replaced(draft):
                await self._keep([draft])

    async def alert(self, notes: Iterable[tuple[int, Note]], *, once: bool = False) -> None:
        """Tell chats of finds, all of them kept in one transaction; with ``once`` none whose card the chat was told before."""
        bodies = ((chat_id, note, Body(note.post, line=str(note.line), lang=note.lang, alert=note.alert)) for chat_id, note in notes)
        drafts = [self._draft(chat_id, ALERT, body, card=f"{ALERT}/{note.card}", expires_at=note.expires_at) for chat_id, note, body in bodies]
        await self._put(drafts, once=once)

    async def alert_again(self, chat_id: int, note: Note) -> None:
        """An alert that was changed is as it was once more: say so where it was shown, and tell of it where it never was."""
        if await self._letters.card(chat_id, f"{ALERT}/{note.card}") is None:
            await self.alert([(chat_id, note)], once=True)
        else:
            await self.show(chat_id, f"{ALERT}/{note.card}", note.post)

    async def change_alert(self, chat_id: int, card: str, post: Post) -> None:
        """Change an alert that was shown; one that never was stays away, and one that still waits goes."""
        name = f"{ALERT}/{card}"
        while any((one.letter.chat_id, one.letter.card) == (chat_id, name) for one in self._aloft):
            await self._landed.wait()
        lane = self._lanes.get(chat_id)
        waiting = [one for one in lane.waiting if one.letter.card == name] if lane else []
        if lane is not None and waiting:
            for one in waiting:
                lane.waiting.remove(one)
            self._rest()
            self.counts.gone += len(waiting)
            await self._letters.take_back(one.letter for one in waiting)
        elif await self._letters.card(chat_id, name) is not None:
            await self.show(chat_id, name, post)

    async def forget(self, chat_id: int) -> None:
        """Throw away what waits for a chat that nothing can be sent to, and take nothing more for it until it is welcome again."""
        self._deaf.add(chat_id)
        lane = self._lanes.pop(chat_id, None)
        if lane is not None:
            lane.waiting.clear()
            lane.changed.set()
            lane.served.set()
        self._rest()
        await self._letters.forget_chat(chat_id)

    def welcome(self, chat_id: int) -> None:
        """Something came from the chat, so that it may be sent to again."""
        self._deaf.discard(chat_id)

    async def prune(self, before: float) -> None:
        """Forget cards that were shown before this (unix seconds): they are not changed any more."""
        await self._letters.prune_cards(before)

    def _draft(self, chat_id: int, kind: str, body: Body, *, card: str = "", photo: bytes | None = None, expires_at: float | None = None) -> Draft:
        chat_id = self._moved.get(chat_id, chat_id)
        return Draft(chat_id=chat_id, kind=kind, body=msgspec.json.encode(body).decode(), card=card, photo=photo, expires_at=expires_at)

    async def _put(self, drafts: Sequence[Draft], *, once: bool = False) -> None:
        async with self._keeping:  # or two callers' letters might be queued in another order than they are kept
            await self._keep(drafts, once=once)

    async def _keep(self, drafts: Sequence[Draft], *, once: bool = False) -> None:
        heard = [draft for draft in drafts if draft.chat_id not in self._deaf]
        kept = [Waiting.read(letter) for letter in await self._letters.put(heard, at=self._clock(), once=once)]
        if late := [one.letter.id for one in kept if one.letter.chat_id in self._deaf]:  # the chat went deaf, or moved, while the store wrote
            await self._letters.drop(late)
        moved = (one.moved(self._moved[one.letter.chat_id]) if one.letter.chat_id in self._moved else one for one in kept)
        self._queue(one for one in moved if one.letter.id not in late)

    async def _replaced(self, draft: Draft) -> bool:
        """Put it in the place of what waits for the same card. In memory first: should that be sent while the store writes, it is the new one.

        Two may wait where one came back from a try that failed: then the later one is it.
        """
        lane = self._lanes.get(draft.chat_id)
        for one in reversed(lane.waiting) if lane else ():
            if one.letter.card == draft.card:
                one.body = msgspec.json.decode(draft.body, type=Body)
                await self._letters.replace(one.letter.id, draft)
                return True
        return False

    def _queue(self, letters: Iterable[Waiting]) -> None:
        for one in letters:
            lane = self._lane(one.letter.chat_id)
            lane.waiting.append(one)
            lane.changed.set()
            if lane.task is None:
                lane.task = asyncio.create_task(self._serve(lane))

    def _lane(self, chat_id: int) -> Lane:
        if chat_id not in self._lanes:
            if len(self._lanes) >= MANY:
                self._lanes = {number: lane for number, lane in self._lanes.items() if not lane.idle}
            self._lanes[chat_id] = Lane(chat_id, self._pace, self._digest)
        return self._lanes[chat_id]

    def _rest(self) -> None:
        if not (len(self) or self._aloft):
            self._idle.set()

    # ---- one chat ----------------------------------------------------------------------------------------------------

    async def _serve(self, lane: Lane) -> None:
        """Ask for a turn whenever the chat's pace allows one, as long as anything waits."""
        try:
            while lane.waiting and lane is self._lanes.get(lane.chat_id):
                await self._until_open(lane)
                await lane.paced()
                if lane.waiting:
                    lane.served.clear()
                    self._ready.put_nowait((not lane.urgent(self._clock()), next(self._turns), lane))
                    await lane.served.wait()
        finally:
            lane.task = None

    async def _until_open(self, lane: Lane) -> None:
        """Wait while Telegram wants silence in the chat, or while alerts gather for their digest."""
        while lane.waiting:
            now = self._clock()
            until = lane.open_at(now)
            if until <= now:
                return
            lane.changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(until - now):
                    await lane.changed.wait()

    # ---- sending -----------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        """Give out turns, the most urgent first and one at a time, until closed."""
        closing = asyncio.create_task(self._closing.wait())
        while not self._closing.is_set():
            turn = asyncio.create_task(self._turn())
            await asyncio.wait({closing, turn}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                turn.cancel()
                return
            lane = turn.result()
            try:
                if pause := await self._next_of(lane):
                    await self._sleep(pause)
            except StoreError:
                return  # we are closing, and the store did not come back
            finally:
                lane.served.set()
                self._rest()

    async def _turn(self) -> Lane:
        """The lane whose turn it is. One whose alerts are to be looked at first has its turn as soon as that is done."""
        while True:
            _, _, lane = await self._ready.get()
            if not self._checks.begun(lane, lane.next(self._clock())):
                await self._every.acquire()
                return lane

    def _at_once(self, lane: Lane) -> None:
        """It goes before all lanes that wait."""
        self._ready.put_nowait((False, -next(self._turns), lane))

    async def _lapsed(self, lane: Lane, letters: Sequence[Waiting], fate: Fate) -> None:
        """These alerts are not to be sent any more."""
        lapsed = [one for one in letters if one in lane.waiting]
        for one in lapsed:
            lane.waiting.remove(one)
        self.counts.gone += len(lapsed) if fate is Fate.GONE else 0
        await self._surely(partial(self._letters.take_back, [one.letter for one in lapsed]))
        self._rest()

    async def _next_of(self, lane: Lane) -> float:
        """Send what is next in a chat; gives the seconds in which nothing more may be sent anywhere."""
        await self._drop_late(lane)
        self._aloft = lane.take(self._clock())
        self._landed.clear()
        try:
            return await self._carried(lane, self._aloft) if self._aloft else 0.0
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - the outermost boundary: one message must not keep all others from being sent
            _log.exception("a message could not be sent, so it is thrown away")
            await self._spoiled(self._aloft)
            return 0.0
        finally:
            self._aloft = []
            self._landed.set()

    async def _drop_late(self, lane: Lane) -> None:
        late = lane.late(self._clock())
        if late:
            self.counts.expired += len(late)
            await self._surely(partial(self._letters.drop, [one.letter.id for one in late]))

    async def _carried(self, lane: Lane, taken: list[Waiting]) -> float:
        outcome = await self._carrier.carry(await self._parcel(lane.chat_id, taken))
        if not isinstance(outcome, Away):
            self._pause = 0.0
        if isinstance(outcome, Later | Away):
            lane.waiting.extendleft(reversed(taken))
            return self._later(lane, outcome.seconds + GRACE) if isinstance(outcome, Later) else self._away(outcome)
        self._refused_in = None
        if isinstance(outcome, Delivered):
            await self._surely(partial(self._settle, lane, taken, outcome.message))
            self._tally(lane, taken, changed=taken[0].body.message == outcome.message)
            await self._checks.sent(taken)
        else:
            await self._undelivered(lane, taken, outcome)
        return 0.0

    async def _parcel(self, chat_id: int, taken: list[Waiting]) -> Parcel:
        head = taken[0]
        if len(taken) > 1:
            return Parcel(chat_id, messages.digest(head.body.lang, [one.body.line for one in taken], self._sandbox))
        if head.letter.card and head.letter.kind == SHOW:
            message = await self._surely(partial(self._letters.card, chat_id, head.letter.card))
            head.body = msgspec.structs.replace(head.body, message=message)
        return Parcel(chat_id, head.body.post, head.letter.photo, head.body.message)

    async def _settle(self, lane: Lane, taken: list[Waiting], message: int) -> None:
        """Note in the store what was sent, and which card the message is now; a digest is nobody's card."""
        cards = [taken[0].letter.card] if len(taken) == 1 and taken[0].letter.card else []
        await self._letters.sent([one.letter.id for one in taken], chat_id=lane.chat_id, cards=cards, message_id=message, at=self._clock())

    def _tally(self, lane: Lane, taken: list[Waiting], *, changed: bool) -> None:
        self.counts.sent += not changed
        self.counts.changed += changed
        if len(taken) > 1:
            self.counts.digested += len(taken)
        elif taken[0].alert:
            lane.alerted.append(self._clock())

    async def _surely(self, work: Callable[[], Awaitable[T]]) -> T:
        """Have the store do it before anything else is sent: a store that fails is asked again until it does not. Raises StoreError only when closing."""
        said = False
        while True:
            try:
                return await work()
            except StoreError as error:
                if self._closing.is_set():
                    raise
                if not said:
                    _log.error("nothing more is sent until the store does its part again: %s", error)
                said = True
                await self._sleep(FIRST_PAUSE)

    async def _sleep(self, seconds: float) -> None:
        """Wait, but not when the outbox is to be closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    # ---- what did not arrive -----------------------------------------------------------------------------------------

    def _later(self, lane: Lane, seconds: float) -> float:
        """Be silent in this chat, and in all of them when another chat was refused just before."""
        self.counts.refused += 1
        lane.silent_until = self._clock() + seconds
        both = self._refused_in not in (None, lane.chat_id)
        self._refused_in = lane.chat_id
        return seconds if both else 0.0

    def _away(self, outcome: Away) -> float:
        if not self._pause:
            _log.warning("Telegram takes no messages; they wait: %s", outcome.reason)
        self._pause = min(max(FIRST_PAUSE, 2 * self._pause), LONGEST_PAUSE)
        return self._pause

    async def _undelivered(self, lane: Lane, taken: list[Waiting], outcome: Outcome) -> None:
        if isinstance(outcome, Spoiled):
            _log.error("Telegram does not take a message, so it is thrown away: %s", outcome.reason)
            await self._spoiled(taken)
        elif isinstance(outcome, Blocked):
            await self._surely(partial(self.forget, lane.chat_id))
            await self._surely(partial(self.blocked, lane.chat_id, outcome.reason))
        elif isinstance(outcome, Moved):
            await self._move(lane, taken, outcome.chat_id)

    async def _spoiled(self, taken: list[Waiting]) -> None:
        self.counts.spoiled += len(taken)
        await self._surely(partial(self._letters.drop, [one.letter.id for one in taken]))

    async def _move(self, lane: Lane, taken: list[Waiting], chat_id: int) -> None:
        """The group goes on under another id, and so does what waits for it and what is still said to the old one."""
        waiting, lane.waiting = [*taken, *lane.waiting], deque()
        self._lanes.pop(lane.chat_id, None)
        self._moved = {old: chat_id if new == lane.chat_id else new for old, new in self._moved.items()} | {lane.chat_id: chat_id}
        self._queue(one.moved(chat_id) for one in waiting)
        await self._surely(partial(self._letters.move_chat, lane.chat_id, chat_id))
        await self._surely(partial(self.moved, lane.chat_id, chat_id))
