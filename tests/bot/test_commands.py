"""Every command and every kind of button, driven as a person drives them: through Telegram, the dispatcher and back, in both languages."""

# ruff: noqa: RUF001 - Russian and Hebrew are written in letters that look like Latin ones

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import pytest

from botcore import __version__
from botcore.bot import messages, presses
from botcore.bot.presses import unpack
from botcore.model import Game
from botcore.sandbox import TelegramOptions
from botcore.sandbox.telegram.options import Person
from tests.bot.support import ANNA, BORIS, DONE, TELEGRAM, TRADERS, buttons_of, data_of, labels_of, open_scene, text_of

if TYPE_CHECKING:
    from botcore.bot.run import RunningBot
    from botcore.model import Opportunity
    from tests.bot.support import Chat

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
BOTH = (ANNA, BORIS)
REDLINE = "AK-47 | Redline (Field-Tested)"


class Said(NamedTuple):
    """What to write, and what the answer says in English and in Russian."""

    text: str
    english: str
    russian: str


COMMANDS = {
    "start": Said("/start", "^Hello, Anna. I find items on DMarket", "^Здравствуйте, Boris. Я ищу на DMarket"),
    "help": Said("/help", "^What I can do\n", "^Что я умею\n"),
    "scan": Said("/scan rust boost", "^Rust boost: 4 found", "^Rust boost: найдено 4"),
    "top": Said("/top rust", "^Rust: nothing was found in the last day", "^Rust: за сутки ничего не найдено"),
    "price": Said("/price", "^Write the exact Steam market name after it", "^Напишите после команды точное название"),
    "watch": Said("/watch", "^You watch nothing", "^Вы ни за чем не следите"),
    "why": Said("/why", "^Write the offer's id or its link", "^Напишите после команды id лота или ссылку"),
    "balance": Said("/balance", r"^Balance: \$50,000\.00\nOf it to withdraw: \$", r"^Баланс: \$50,000\.00\nИз них можно вывести: \$"),
    "level": Said("/level", "^Set for this chat: CS2 standard\n", "^Выбрано для этого чата: CS2 standard\n"),
    "mute": Said("/mute", "^Nothing is muted here", "^В этом чате ничего не скрыто"),
    "unmute": Said("/unmute nothing", "^nothing is not muted here", "^Не скрыто: nothing"),
    "status": Said("/status", "^Status\nMarket: http://127", "^Состояние\nРынок: http://127"),
    "config": Said("/config", "^Settings in force, page 1 of", "^Действующие настройки, страница 1 из"),
    "cancel": Said("/cancel", "^Nothing is running here", "^Здесь сейчас ничего не запущено"),
}


class Way(NamedTuple):
    """How a button of a kind is come by: what to write, and what is written on the buttons to press, each on what the one before showed.

    The last is the button itself: ``answer`` is what its press is answered with, ``shows`` what is to be seen then.
    """

    text: str
    buttons: tuple[str, ...]
    answer: str = "^$"
    shows: str = ""


PRESSES: dict[type[presses.Press], Way] = {
    presses.ChooseGame: Way("/start", ("Another game or level",), shows="^Which game"),
    presses.ChooseLevel: Way("/start", ("Another", "TF2"), shows="^TF2: which level"),
    presses.Scan: Way("/start", ("Another", "TF2", "^medium"), shows="^TF2 medium: 4 found"),
    presses.SetLevel: Way("/level", ("Change", "TF2", "^medium"), shows="^Set for this chat: TF2 medium"),
    presses.Page: Way("/scan csgo pro", ("2",), shows="^CS2 pro: 6 found, page 2 of 2"),
    presses.Why: Way("/scan csgo pro", ("Why",), shows="exit price"),
    presses.Watch: Way("/scan csgo pro", ("Watch",), answer=r"^Watching .+ \(CS2 pro\)"),
    presses.Mute: Way("/scan csgo pro", ("Mute",), answer="^Muted: ", shows="Muted and not shown: "),
    presses.Settings: Way("/config", ("2",), shows="^Settings in force, page 2 of"),
}


async def finds(running: RunningBot) -> list[Opportunity]:
    """All that was found in CS2 so far, the best first."""
    app = running.desk.app
    assert app.store is not None
    assert app.journal is not None
    await app.journal.flush()
    return sorted(await app.store.opportunities("sandbox", Game.CSGO), key=lambda found: found.order)


def spoken(chat: Chat, said: Said) -> str:
    return said.english if chat.user_id == ANNA else said.russian


@pytest.mark.parametrize("user", BOTH)
@pytest.mark.parametrize("name", COMMANDS)
async def test_each_command_is_answered_in_the_language_of_who_wrote_it(scene, name, user):
    async with scene.bot(allowed=BOTH) as running:
        chat = scene.chat(user)
        words = text_of(await chat.ask(COMMANDS[name].text, spoken(chat, COMMANDS[name])))
        assert bool(CYRILLIC.search(words)) is (user == BORIS)
        assert running.desk.outbox.counts.spoiled == 0


@pytest.mark.parametrize("kind", PRESSES, ids=lambda kind: kind.__name__)
async def test_each_button_does_what_it_says(scene, kind):
    way = PRESSES[kind]
    async with scene.bot() as running:
        anna = scene.chat()
        message = await anna.ask(way.text, DONE if "scan" in way.text else "")
        for words in way.buttons[:-1]:
            anna.press(message, words)
            message = await anna.sees()
        assert isinstance(unpack(data_of(message, way.buttons[-1])), kind)
        assert re.search(way.answer, await anna.answered(anna.press(message, way.buttons[-1])))
        if way.shows:
            await anna.sees(way.shows)
        assert running.desk.outbox.counts.spoiled == 0


async def test_a_scan_is_stopped_by_its_button(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        scene.between.hold = lambda _: asyncio.Event().wait()
        message = await anna.ask("/scan", "looking")
        assert isinstance(unpack(data_of(message, "Stop")), presses.Stop)
        assert await anna.answered(anna.press(message, "Stop")) == "Stopping. What was found stays."
        message = await anna.sees("^CS2 standard: 0 found")
        assert labels_of(message) == ["Scan again"]
        assert running.desk.views.running(ANNA) is None


async def test_the_buttons_of_lists_and_suggestions_work(scene):
    """Titles that are watched, muted and suggested each have a button."""
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.scan("csgo pro")
        title = (await finds(running))[0].title
        await anna.ask(f"/mute {title}", "^Muted: ")
        listed = await anna.ask("/mute", "^1 title is muted here")
        assert isinstance(unpack(data_of(listed, "Unmute 1")), presses.Unmute)
        assert await anna.answered(anna.press(listed, "Unmute 1")) == f"Shown again: {title}."
        await anna.ask(f"/watch {title}", "^Watching ")
        listed = await anna.ask("/watch", "^You watch 1 title")
        assert isinstance(unpack(data_of(listed, "Stop 1")), presses.Unwatch)
        assert await anna.answered(anna.press(listed, "Stop 1")) == f"No longer watching {title}."
        near = await anna.ask(f"/price {title.rpartition(' ')[0]}", "^I know nothing of")
        assert isinstance(unpack(data_of(near, re.escape(title[:20]))), presses.Price)
        await anna.answered(anna.press(near, re.escape(title[:20])))
        assert (await anna.sees(re.escape(title))).photo


def test_every_command_and_every_kind_of_button_is_driven_here():
    assert set(COMMANDS) == {name for name, _ in messages.commands("en")}
    elsewhere = {presses.Stop, presses.Unwatch, presses.UnwatchLevel, presses.WhyAlert, presses.MuteAlert, presses.Unmute, presses.Price}
    assert set(PRESSES) | elsewhere == set(get_args(presses.Press))


async def test_the_menu_of_commands_is_there_in_both_languages(scene):
    room = scene.telegram.telegram.rooms[ANNA]

    def menu(code: str) -> list[tuple[str, str]]:
        return [(one["command"], one["description"]) for one in scene.telegram.telegram.commands.seen_in(room.chat, code)]

    async with scene.bot():
        await scene.until(lambda: menu("ru") == messages.commands("ru"), "the Russian menu")
        for code in ("en", "de", ""):
            assert menu(code) == messages.commands("en") != menu("ru")


async def test_help_tells_every_command_game_and_level(scene):
    async with scene.bot(allowed=BOTH):
        for chat in map(scene.chat, BOTH):
            words = text_of(await chat.ask("/help"))
            assert re.findall(r"^/(\w+)", words, re.MULTILINE) == [name for name, _ in messages.commands("en")]
            for word in ("csgo", "dota2", "tf2", "rust", "boost", "standard", "medium", "advanced", "pro"):
                assert word in words


@pytest.mark.parametrize("text", ["/start@sandbox_dm_bot", "/start something behind it", "  /start"])
async def test_a_command_may_name_the_bot_or_have_words_behind_it(scene, text):
    async with scene.bot():
        assert text_of(await scene.chat().ask(text)).startswith("Hello, Anna")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("/scan poker", "I do not know “poker”. Write /scan csgo standard; games: csgo, dota2, tf2, rust; levels: boost, standard, medium, advanced, pro."),
        ("/scan csgo boost pro", "I do not know “csgo boost pro”. Write /scan csgo standard"),
        ("/scan csgo rust", "I do not know “csgo rust”. Write /scan csgo standard"),
        ("/level higher", "I do not know “higher”. Write /scan csgo standard"),
        ("/top poker", "I do not know “poker”. Write /scan csgo standard"),
        ("/scna csgo", "I do not know this command; /help lists all."),
        ("/", "I do not know this command; /help lists all."),
        ("find me something", "I understand commands only: /scan looks for finds, /help lists all."),
        ("/price", "Write the exact Steam market name after it: /price AK-47 | Redline (Field-Tested)"),
        ("/unmute AK-47", "AK-47 is not muted here; /unmute lists what is."),
        ("/mute " + "x" * 300, "That is too long for me; a command and a title are enough."),
        ("/watch " + "x" * 300, "That is too long for me; a command and a title are enough."),
        ("x" * 300, "That is too long for me; a command and a title are enough."),
    ],
)
async def test_wrong_input_gets_one_helpful_line(scene, text, line):
    async with scene.bot():
        anna = scene.chat()
        words = text_of(await anna.ask(text))
        assert words.startswith(line)
        assert "\n" not in words
        assert len(anna.messages) == 1


NO_TEXT: list[dict[str, Any]] = [{"dice": {"emoji": "🎲", "value": 3}}, {"contact": {"phone_number": "1", "first_name": "Anna"}}]


@pytest.mark.parametrize("content", NO_TEXT, ids=lambda content: next(iter(content)))
async def test_what_is_no_text_gets_a_helpful_line_too(scene, content):
    chat, sender = {"id": ANNA, "type": "private", "first_name": "Anna"}, {"id": ANNA, "is_bot": False, "first_name": "Anna"}
    scene.telegram.telegram.rooms[ANNA].started = True
    async with scene.bot():
        scene.telegram.telegram.updates.add("message", {"message_id": 900, "date": 1, "chat": chat, "from": sender, **content})
        assert text_of(await scene.chat().sees()).startswith("I understand commands only")


AWFUL = {
    "HTML": '<b>bold</b> <script>alert("x")</script> & </i> &amp; <a href="https://example.com">x</a>',
    "right to left": "\u202eשלום עולם\u202c سلام \u200f",
    "emoji": "👨‍👩‍👧 👋🏽 🇫🇷 ❤️ e\u0301",
    "controls": "zero\u200bwidth \u0007 bell \ufeff \u2028 line",
    "format": "{0} {title} %s %(x)d \\n",
    "markdown": "*_`[x](https://example.com)",
    "quotes": "'; DROP TABLE chats; --",
}


@pytest.mark.parametrize("awful", AWFUL)
async def test_whatever_is_written_is_answered_and_never_read_as_markup(scene, awful):
    async with scene.bot() as running:
        anna = scene.chat()
        for command in ("", "/start ", "/help ", "/scan ", "/level ", "/top ", "/price ", "/watch ", "/mute ", "/unmute ", "/cancel ", "/status "):
            anna.write(command + AWFUL[awful])
            message = await anna.sees()
            assert "text_link" not in {one.type for one in message.entities}
        assert running.desk.outbox.counts.spoiled == 0
        assert len(running.desk.outbox) == 0


async def test_markup_in_what_was_written_comes_back_as_text(scene):
    async with scene.bot():
        anna = scene.chat()
        for command in ("/scan", "/price", "/unmute"):
            message = await anna.ask(f"{command} <b>bold</b> & <i>not</i>")
            assert "<b>bold</b> & <i>not</i>" in text_of(message)
            assert "bold" not in {one.type for one in message.entities}


async def test_5000_characters_are_answered_in_a_line(scene):
    async with scene.bot():
        anna = scene.chat()
        for text in ("x" * 5000, "/price " + "я" * 5000, "/scan " + "👍" * 2500, "/unmute " + "<" * 5000):
            assert len(text_of(await anna.ask(text))) < 300


@pytest.mark.parametrize("name", ["<b>Anna</b> & </i>", "שלום", "👩🏽 Zoë", "A" * 200])
async def test_a_name_is_greeted_as_text(tmp_path, name):
    telegram = TelegramOptions(people=(Person(id=ANNA, first_name=name),), groups=(), flood=False)
    async with open_scene(tmp_path, telegram=telegram) as scene, scene.bot():
        words = text_of(await scene.chat().ask("/start", "^Hello, "))
        assert name[:30] in words


async def test_level_is_kept_for_the_chat_and_used_by_scan(scene):
    async with scene.bot(allowed=BOTH):
        anna, boris = scene.chat(), scene.chat(BORIS)
        assert "Set for this chat: Rust boost" in text_of(await anna.ask("/level boost rust"))
        assert "Set for this chat: Rust pro" in text_of(await anna.ask("/level pro"))
        await anna.ask("/scan", "^Rust pro: 4 found")
        assert "Rust pro" in text_of(await anna.ask("/start"))
        assert "CS2 standard" in text_of(await boris.ask("/level"))


async def test_balance_tells_the_accounts_money(scene):
    ledger = scene.market.world.ledger
    async with scene.bot():
        words = text_of(await scene.chat().ask("/balance"))
        assert f"Balance: ${ledger.balance / 100:,.2f}" in words
        assert "Sandbox: items and prices are invented" in words


async def test_status_tells_market_quota_cache_last_scan_uptime_and_version(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        before = text_of(await anna.ask("/status"))
        for line in (
            "Last scan: none yet",
            "Cache: nothing was asked yet",
            "Sent since the start: none",
            "Scans since the start: 0",
            "Refused by the quota: 0",
        ):
            assert line in before
        found = await anna.scan("dota2 boost")
        after = text_of(await anna.ask("/status"))
        sent = running.desk.app.client.stats.requests
        assert f"Sent since the start: market {sent.market}, sales {sent.sales}, fees {sent.fee}, other {sent.other}" in after
        assert re.search(r"Last scan: Dota 2 boost, \d\ss ago, 3 found", after)
        assert text_of(found).startswith("Dota 2 boost: 3 found")
        assert re.search(r"Requests a second, last 10 s: market [0-9.]+ of 2,000, sales [0-9.]+ of 2,000", after)
        assert re.search(rf"Up for \d+\ss, version {re.escape(__version__)}$", after)
        assert scene.url in after


async def test_config_shows_every_setting_on_some_page_and_no_secret_on_any(scene):
    secrets = {"BOTCORE_BOT_WEBHOOK_SECRET": "wwwwwwwwwwwwwwwwwwwwwwwwwwww"}
    environment = scene.environment(**secrets)
    token = scene.telegram.address.token
    async with scene.bot(TELEGRAM_TOKEN=token, **secrets) as running:
        anna = scene.chat()
        message = await anna.ask("/config")
        count = int(re.findall(r"page 1 of (\d+)", text_of(message))[0])
        pages = [text_of(message)]
        for number in range(2, count + 1):
            anna.press(message, rf"^{number}( »)?$")
            message = await anna.sees(f"page {number} of {count}")
            pages.append(text_of(message))
        assert len(anna.messages) == 1
        rows = [name for page in pages for name in re.findall(r"^([\w.]+) = ", page, re.MULTILINE)]
        assert rows == [row.name for row in running.desk.app.settings.shown]
        whole = "\n".join(pages)
        for secret in (environment["DMARKET_SECRET_KEY"], environment["DMARKET_SECRET_KEY"][:64], token, token.partition(":")[2], *secrets.values()):
            assert secret not in whole
        assert whole.count("set, not shown") == 3
        assert "DATABASE_URL = sqlite:///" in whole


async def test_top_lists_the_best_finds_of_a_day_once_each_with_their_age(scene, clock):
    async with scene.bot(clock=clock) as running:
        anna = scene.chat()
        await anna.scan("csgo pro")
        await anna.scan("csgo boost")
        clock.at = time.time() + 7201
        await anna.scan("csgo pro")
        best = await finds(running)
        message = await anna.ask("/top csgo")
        words = text_of(message)
        titles = list(dict.fromkeys(found.offer_id for found in best))
        assert len(re.findall(r"^\d+\. ", words, re.MULTILINE)) == len(titles) == 10
        assert len(re.findall(r"\b2\sh ago", words)) == 10
        links = [one.url for one in message.entities if one.type == "text_link"]
        assert [link.rpartition("=")[2] for link in links] == titles
        clock.at += 86_400
        assert "nothing was found in the last day" in text_of(await anna.ask("/top csgo"))


async def test_top_leaves_out_what_is_muted(scene):
    async with scene.bot() as running:
        anna = scene.chat()
        await anna.scan("csgo pro")
        best = (await finds(running))[0]
        assert best.title in text_of(await anna.ask("/top"))
        await anna.ask(f"/mute {best.title}", "^Muted")
        assert best.title not in text_of(await anna.ask("/top"))


async def test_a_scan_is_offered_where_top_has_nothing(scene):
    async with scene.bot():
        message = await scene.chat().ask("/top tf2")
        assert [(button["text"], unpack(button["callback_data"])) for button in buttons_of(message)] == [("Scan TF2", presses.ChooseLevel("scan", Game.TF2))]


async def test_a_group_hears_answers_to_commands_and_no_word_more(tmp_path):
    async with open_scene(tmp_path, telegram=TELEGRAM) as scene, scene.bot(allowed=(ANNA, TRADERS)):
        group = scene.chat(ANNA, TRADERS)
        assert text_of(await group.ask("/start@sandbox_dm_bot")).startswith("Hello, Anna")
        first = group.messages[0]
        scene.telegram.people.write(ANNA, TRADERS, "thanks!", reply_to=first.message_id)
        assert text_of(await group.ask("/level rust")).startswith("Set for this chat: Rust standard")
        assert len(group.messages) == 2
