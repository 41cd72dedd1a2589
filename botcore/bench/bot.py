"""How the bot feels: how soon a press is answered, when the first find shows, how fast alerts go out, what two users cost, what it holds.

The bot runs as ``botcore bot`` in a process of its own, against a market and a Telegram in processes of theirs. Its answers are
compared with a bare aiogram bot's over the same server, in turns.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.request import urlopen

import msgspec

from botcore.bench.phone import Phones, process, resident_megabytes
from botcore.perf.record import Measure, RunRecord, Work, dotted
from botcore.sandbox import MarketAddress, MarketOptions, Person, TelegramAddress, TelegramOptions, spawn_market, spawn_telegram
from botcore.settings import BotOptions
from botcore.store import Chats, Store, StoreOptions

__all__ = ["run"]

LATENCY = 0.15
SIZE = 40_000
PEOPLE = 20
PRESSES = 200
BETWEEN = 0.08
"""Seconds between presses of different people; each person's own are far enough apart for the pace of a chat."""
SETTLED = 1.2
"""Seconds after which Telegram counts nothing of before: the bare bot paces nothing, and would be refused."""
UPDATES = 10_000
WARM_UP = 3000
CHATS, ALERTS = 200, 20
FIRST = 1001
"""The id of the first person; the others count on from it."""
LIMIT = 30
"""Messages a second that Telegram takes from a bot."""
FOUND = re.compile(r"found [1-9]")
ECHO = """
import asyncio, sys
from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import InlineKeyboardButton as Button, InlineKeyboardMarkup as Board

async def main():
    bot, dispatcher, count = Bot(sys.argv[2], session=AiohttpSession(api=TelegramAPIServer.from_base(sys.argv[1]))), Dispatcher(), iter(range(10**9))

    def board():
        return Board(inline_keyboard=[[Button(text="turn", callback_data=str(next(count)))]])

    @dispatcher.message()
    async def echo(message):
        await message.answer(message.text, reply_markup=board())

    @dispatcher.callback_query()
    async def turn(query):
        await query.answer()
        await query.message.edit_text(query.data, reply_markup=board())

    await dispatcher.start_polling(bot)

asyncio.run(main())
"""
"""What aiogram alone makes of it: an answer to each press, and the message changed."""


def run(*, quick: bool, say: Callable[[str], None]) -> RunRecord:
    """Measure everything; ``quick`` takes one world, fewer presses, fewer alerts and fewer updates."""
    started = datetime.now(UTC)
    seeds = range(1, 2 if quick else 4)
    scale = 10 if quick else 1
    measures, runs = asyncio.run(_all(seeds, scale, say))
    presses, updates, alerts = PRESSES // scale, UPDATES // scale, ALERTS // scale
    return RunRecord(
        question="bench-bot",
        run=dotted(run),
        started_at=started,
        work=Work(answers=len(seeds) * 4 * presses + CHATS * alerts + updates),
        options={"bot": BotOptions(), "people": PEOPLE, "presses": presses, "updates": updates, "alerts": alerts},
        data={"market": "sandbox", "size": SIZE, "latency": LATENCY, "seeds": list(seeds)},
        order="interleaved",
        samples=runs,
        measures=measures,
    ).also(("aiogram", "aiolimiter", "sqlalchemy", "aiosqlite"))


async def _all(seeds: range, scale: int, say: Callable[[str], None]) -> tuple[list[Measure], list[dict[str, object]]]:
    answers, changes, firsts, beyond = [], [], [], []
    runs: list[dict[str, object]] = []
    for seed in seeds:
        say(f"presses while a scan runs, against a bare aiogram bot, {seed} of {len(seeds)}")
        bare, ours = await _bare(PRESSES // scale), await _ours(seed, PRESSES // scale)
        answers.append(1000 * (_p95(ours["answer"]) - _p95(bare["answer"])))
        changes.append(1000 * (_p95(ours["change"]) - _p95(bare["change"])))
        say(f"the first find in a chat, {seed} of {len(seeds)}")
        first = await _first_find(seed)
        firsts.append(first)
        say(f"two users who scan the same, {seed} of {len(seeds)}")
        two = await _two_users(seed)
        beyond.append(float(two["served"] - two["one_scan"]))
        runs.append({"seed": seed, "bare": bare, "bot": ours, "first_find": first, "two_users": two})
    say(f"{ALERTS // scale} alerts queued in each of {CHATS} chats")
    rate, refused = await _alerts(ALERTS // scale)
    say(f"memory over {UPDATES // scale:,} updates")
    grown = await _memory(WARM_UP // scale, UPDATES // scale)
    return [
        Measure.of("a press to its answer while a scan runs, p95 beyond aiogram's bare echo", answers, "ms", "<= 100"),
        Measure.of("a press to the changed message, p95 beyond the same", changes, "ms", "<= 100"),
        Measure.of("/scan to the first find in the chat, 150 ms market", firsts, "seconds", "<= 2"),
        Measure.of(f"{CHATS} chats with alerts queued: messages a second against Telegram's {LIMIT}", [rate], "ratio", ">= 0.95"),
        Measure.of("calls refused with 429 meanwhile", [float(refused)], "calls", "<= 0"),
        Measure.of("market requests of two users who scan the same, beyond those of one scan", beyond, "requests", "<= 0"),
        Measure.of(f"memory after {UPDATES // scale:,} more updates", [grown], "MB", "<= 10"),
    ], runs


def _p95(samples: list[float]) -> float:
    return quantiles(samples, n=20)[-1]


# ---- the bots --------------------------------------------------------------------------------------------------------


def _telegram(people: int, *, flood: bool = True) -> TelegramOptions:
    return TelegramOptions(people=tuple(Person(id=FIRST + number, first_name=f"Person {number}") for number in range(people)), groups=(), flood=flood)


class _Bot:
    """A bot at work with all that is around it."""

    def __init__(self, phones: Phones, market: MarketAddress, telegram: TelegramAddress, store: StoreOptions, child: asyncio.subprocess.Process) -> None:
        self.phones = phones
        self.market = market
        self.telegram = telegram
        self.store = store
        self.child = child

    async def served(self) -> int:
        """Requests that the market has served so far."""
        counts = await asyncio.to_thread(_served, self.market.url)
        return sum(counts["requests"].values())


def _served(url: str) -> Any:
    with urlopen(f"{url}/sandbox/served") as answer:  # noqa: S310 - our own server on this machine
        return msgspec.json.decode(answer.read())


@asynccontextmanager
async def _bot(seed: int, *, people: int = PEOPLE, flood: bool = True, latency: float = LATENCY, **settings: str) -> AsyncIterator[_Bot]:
    """``botcore bot`` with a market and a Telegram, once it has answered everybody's /start."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="botcore-bench-"))
        store = StoreOptions(url=f"sqlite:///{Path(folder) / 'bench.db'}")
        telegram = await stack.enter_async_context(spawn_telegram(_telegram(people, flood=flood)))
        market = await stack.enter_async_context(spawn_market(MarketOptions(seed=seed, size=SIZE, latency=latency)))
        phones = await stack.enter_async_context(Phones(telegram))
        everybody = [FIRST + number for number in range(people)]
        environment = {
            "DMARKET_URL": market.url,
            "DMARKET_PUBLIC_KEY": market.public_key,
            "DMARKET_SECRET_KEY": market.secret_key,
            "TELEGRAM_TOKEN": telegram.token,
            "TELEGRAM_API_URL": telegram.url,
            "TELEGRAM_ALLOWED_USERS": ",".join(map(str, everybody)),
            "DATABASE_URL": store.url,
            "BOTCORE_BOT_WARM": "0",
            **settings,
        }
        child = await stack.enter_async_context(process(["-m", "botcore", "bot"], environment))
        for person in everybody:
            await phones.says(person, "/start")
        yield _Bot(phones, market, telegram, store, child)


async def _bare(presses: int) -> dict[str, list[float]]:
    async with spawn_telegram(_telegram(PEOPLE)) as telegram, Phones(telegram) as phones, process(["-c", ECHO, telegram.url, telegram.token], {}):
        messages = {FIRST + number: await phones.says(FIRST + number, "hello") for number in range(PEOPLE)}
        return await _pressed(phones, messages, presses)


async def _ours(seed: int, presses: int) -> dict[str, list[float]]:
    """Presses that turn pages of the settings, while scans of large windows run one after the other."""
    async with _bot(seed) as bot:
        messages = {FIRST + number: await bot.phones.says(FIRST + number, "/config") for number in range(1, PEOPLE)}
        scanning = asyncio.create_task(_scan_on(bot.phones))
        try:
            await bot.phones.until(lambda event: event["kind"] == "edit" and event["chat_id"] == FIRST, 0)
            return await _pressed(bot.phones, messages, presses)
        finally:
            scanning.cancel()


async def _scan_on(phones: Phones) -> None:
    """Somebody scans one level after the other, for as long as the block needs."""
    while True:
        for level in ("boost", "standard", "medium"):
            after = await phones.number()
            await phones.write(FIRST, f"/scan csgo {level}")
            await phones.until(lambda event: event["chat_id"] == FIRST and "Scan again" in str(event.get("message")), after)


async def _pressed(phones: Phones, messages: dict[int, dict[str, Any]], presses: int) -> dict[str, list[float]]:
    """Seconds from each press to its answer and to the changed message; people press in turn."""
    people = list(messages)
    done = []
    await asyncio.sleep(SETTLED)
    for number in range(presses):
        person = people[number % len(people)]
        done.append(asyncio.create_task(_one_press(phones, messages, person)))
        await asyncio.sleep(BETWEEN)
    taken = await asyncio.gather(*done)
    return {"answer": [answer for answer, _ in taken], "change": [change for _, change in taken]}


async def _one_press(phones: Phones, messages: dict[int, dict[str, Any]], person: int) -> tuple[float, float]:
    message = messages[person]
    after = await phones.number()
    before, press = await phones.press(person, message["message_id"], _other_page(message))
    answered = phones.until(lambda event: event["kind"] == "answer" and event["callback_query_id"] == press, after)
    changed = phones.until(lambda event: event["kind"] == "edit" and event["chat_id"] == person, after)
    answer, change = await asyncio.gather(answered, changed)
    messages[person] = change["message"]
    return answer["at"] - before, change["at"] - before


def _other_page(message: dict[str, Any]) -> str:
    """A button that turns to another page than the one that is shown: the last, or the first."""
    row = message["reply_markup"]["inline_keyboard"][-1]
    return str((row[0] if row[-1]["text"].startswith("·") else row[-1])["callback_data"])


# ---- the other measures ----------------------------------------------------------------------------------------------


async def _first_find(seed: int) -> float:
    async with _bot(seed, people=1) as bot:
        after = await bot.phones.number()
        before = await bot.phones.write(FIRST, "/scan csgo boost")
        shown = await bot.phones.until(lambda event: event["kind"] == "edit" and bool(FOUND.search(event["message"].get("text", ""))), after)
        return float(shown["at"]) - before


async def _two_users(seed: int) -> dict[str, int]:
    """Requests that the market served while two people scanned the same at once, and what one scan counted of its own."""
    async with _bot(seed, people=2) as bot:
        before, after = await bot.served(), await bot.phones.number()
        await asyncio.gather(*(bot.phones.write(person, "/scan csgo standard") for person in (FIRST, FIRST + 1)))
        for person in (FIRST, FIRST + 1):
            await bot.phones.until(lambda event, person=person: event["chat_id"] == person and "Scan again" in str(event.get("message")), after)  # type: ignore[misc]
        served = await bot.served() - before
        async with Store(bot.store) as store:
            view = await Chats(store).latest(FIRST)
        assert view is not None  # noqa: S101 - it was just shown
        assert view.report is not None  # noqa: S101 - same
        counts = view.report.requests
        return {"served": served, "one_scan": sum(getattr(counts, name) for name in counts.__struct_fields__)}


async def _alerts(each: int) -> tuple[float, int]:
    """Messages a second from the first alert to the last against Telegram's limit, and calls refused."""
    from botcore.bench.alerts import queue_alerts  # noqa: PLC0415 - aiogram loads for seconds

    async with spawn_telegram(_telegram(CHATS)) as telegram, Phones(telegram) as phones:
        for number in range(CHATS):
            await phones.write(FIRST + number, "/start")
        await queue_alerts(telegram, [FIRST + number for number in range(CHATS)], each)
        times = [call["at"] for call in (await phones.ask("calls?after=0"))["calls"] if call["method"].lower() == "sendmessage" and call["status"] == 200]  # noqa: PLR2004 - the status of success
        if len(times) != CHATS * each:
            raise RuntimeError(f"{CHATS * each} alerts were queued and {len(times)} arrived")
        return (len(times) - 1) / (max(times) - min(times)) / LIMIT, (await phones.ask("served"))["refused"]


async def _memory(warm_up: int, updates: int) -> float:
    """Megabytes by which the bot has grown after so many updates, once it was warm."""
    async with _bot(1, flood=False, latency=0.0) as bot:
        await _flood(bot, warm_up)
        before = await resident_megabytes(bot.child.pid)
        await _flood(bot, updates)
        return await resident_megabytes(bot.child.pid) - before


async def _flood(bot: _Bot, updates: int) -> None:
    """So many updates of several kinds, most of them presses, since messages go out no faster than Telegram allows; waits until all are handled."""
    forged: list[dict[str, object]] = [{"data": '["zz"]'}]
    kinds: list[dict[str, object]] = [{"text": "/status"}, {"text": "what is this"}, *forged * 18]
    for number in range(updates):
        person, kind = FIRST + number % PEOPLE, kinds[number % len(kinds)]
        if "text" in kind:
            await bot.phones.tell("send", user_id=person, chat_id=person, **kind)
        else:
            await bot.phones.tell("press", user_id=person, chat_id=person, message_id=1, forged=True, **kind)
    while (await bot.phones.ask("served"))["waiting"]:  # noqa: ASYNC110 - the bot's progress is another process's
        await asyncio.sleep(0.1)
    await bot.phones.says(FIRST, "/help")
