"""The real aiogram over the local Telegram: its bot class, its dispatcher by polling, its webhook handler, its exceptions."""

from __future__ import annotations

import asyncio

import pytest
from aiogram import Bot, Dispatcher, Router, exceptions
from aiogram.client.default import DefaultBotProperties
from aiogram.enums import ChatAction
from aiogram.filters import Command, CommandObject
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BufferedInputFile,
    CallbackQuery,
    ErrorEvent,
    InaccessibleMessage,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    ReactionTypeEmoji,
    ReplyParameters,
    Update,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web

from botcore.sandbox import TelegramAddress, TelegramOptions
from tests.sandbox.telegram import ANNA, BORIS, CALM, TRADERS, Clock, aiogram_bot, meet, png, polling, until

KEYBOARD = InlineKeyboardMarkup(
    inline_keyboard=[[InlineKeyboardButton(text="Купить ★", callback_data="buy:1"), InlineKeyboardButton(text="Open", url="https://example.org/a")]]
)
DEFAULTS = DefaultBotProperties(parse_mode="HTML", link_preview_is_disabled=True)


@pytest.fixture
async def line():
    async with meet(CALM, now=Clock()) as found:
        yield found


@pytest.fixture
async def bot(line):
    async with aiogram_bot(line.server.address, default=DEFAULTS) as found:
        yield found


def plain(value):
    """What an object of aiogram says, without the bot it is bound to."""
    return value.model_dump(exclude_none=True)


async def events(line, kind, count=1):
    """The events of a kind, once there are so many."""
    async with asyncio.timeout(10):
        while len(found := [event for event in line.telegram.events.since(0) if event.kind == kind]) < count:
            await line.telegram.events.wait()
    return found


async def test_every_answer_fits_aiogram_s_types(bot):
    me = await bot.get_me()
    assert (me.username, me.can_read_all_group_messages) == ("sandbox_dm_bot", False)
    sent = await bot.send_message(
        ANNA, "<b>Price</b> 12 &lt; 13 ★", reply_markup=KEYBOARD, disable_notification=True, reply_parameters=ReplyParameters(message_id=1)
    )
    assert (sent.text, sent.html_text, plain(sent.reply_markup)) == ("Price 12 < 13 ★", "<b>Price</b> 12 &lt; 13 ★", plain(KEYBOARD))
    assert sent.reply_to_message is not None
    assert sent.reply_to_message.text == "/start"
    where = {"chat_id": ANNA, "message_id": sent.message_id}
    edited = await bot.edit_message_text("<i>new</i>", reply_markup=KEYBOARD, **where)
    assert isinstance(edited, Message)
    assert (edited.html_text, plain(edited.reply_markup), edited.edit_date) == ("<i>new</i>", plain(KEYBOARD), 1_764_000_000)
    bare = await bot.edit_message_reply_markup(**where)
    assert isinstance(bare, Message)
    assert bare.reply_markup is None
    assert await bot.send_chat_action(ANNA, ChatAction.UPLOAD_PHOTO) is True
    assert await bot.set_message_reaction(ANNA, 1, [ReactionTypeEmoji(emoji="👍")]) is True
    assert await bot.delete_message(**where) is True
    assert await bot.delete_messages(ANNA, [1, 99]) is True


async def test_pictures_and_documents_go_up_and_come_down(bot):
    sent = await bot.send_photo(ANNA, BufferedInputFile(png(900, 450), "chart ★.png"), caption="<b>chart</b>", reply_markup=KEYBOARD)
    assert sent.photo is not None
    assert (sent.photo[-1].width, sent.photo[-1].height, sent.html_text) == (900, 450, "<b>chart</b>")
    downloaded = await bot.download(sent.photo[-1].file_id)
    assert downloaded is not None
    assert downloaded.read() == png(900, 450)
    again = await bot.send_photo(ANNA, sent.photo[-1].file_id)
    assert again.photo == sent.photo
    edited = await bot.edit_message_caption(chat_id=ANNA, message_id=sent.message_id, caption="later")
    assert isinstance(edited, Message)
    assert (edited.caption, edited.reply_markup) == ("later", None)
    document = await bot.send_document(ANNA, BufferedInputFile(b"a,b\n", "отчёт.csv"), caption="report")
    assert document.document is not None
    assert (document.document.file_name, document.document.mime_type) == ("отчёт.csv", "text/csv")


async def test_profile_chats_and_menus(bot):
    commands = [BotCommand(command="start", description="Start"), BotCommand(command="scan", description="Искать")]
    assert await bot.set_my_commands(commands, BotCommandScopeAllPrivateChats(), "ru") is True
    assert [plain(one) for one in await bot.get_my_commands(BotCommandScopeAllPrivateChats(), "ru")] == [plain(one) for one in commands]
    assert await bot.delete_my_commands(BotCommandScopeAllPrivateChats(), "ru") is True
    assert await bot.get_my_commands(BotCommandScopeAllPrivateChats(), "ru") == []
    private, group = await bot.get_chat(ANNA), await bot.get_chat(TRADERS)
    assert (private.first_name, group.title, group.type) == ("Anna", "Traders", "group")
    assert await bot.set_my_description("d") is True
    assert await bot.delete_webhook(drop_pending_updates=True) is True
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == ("", 0)


async def test_every_update_fits_aiogram_s_types(line, bot):
    sent = await bot.send_message(ANNA, "a", reply_markup=KEYBOARD)
    await line.say("/go", reply_to=sent.message_id)
    await line.say("/go", BORIS, TRADERS)
    await line.posted("press", user_id=ANNA, chat_id=ANNA, message_id=sent.message_id, data="buy:1")
    await line.posted("press", user_id=ANNA, chat_id=ANNA, message_id=99, data="buy:1", forged=True)
    await line.posted("block", user_id=ANNA, blocked=True)
    await line.posted("migrate", chat_id=TRADERS)
    updates = await bot.get_updates()
    assert [update.event_type for update in updates] == ["message", "message", "callback_query", "callback_query", "my_chat_member", "message", "message"]
    assert not any(update.model_extra for update in updates)
    pressed, forged = updates[2].callback_query, updates[3].callback_query
    assert pressed is not None
    assert isinstance(pressed.message, Message)
    assert forged is not None
    assert isinstance(forged.message, InaccessibleMessage)


def echo(router: Router) -> None:
    """A bot with a command, a button and an alert."""

    @router.message(Command("scan"))
    async def scan(message: Message, command: CommandObject) -> None:
        await message.answer(f"<code>{command.args}</code>", reply_markup=KEYBOARD)

    @router.callback_query()
    async def pressed(query: CallbackQuery) -> None:
        await query.answer(f"got {query.data}", show_alert=True)
        assert isinstance(query.message, Message)
        await query.message.edit_text("done")


async def test_the_dispatcher_polls_handles_and_answers(line, bot):
    router = Router()
    echo(router)
    async with polling(bot, router):
        await line.say("/scan dota2 boost")
        await line.say("/scan@sandbox_dm_bot rust", BORIS, TRADERS)
        await line.say("/scan@another_bot rust", BORIS, TRADERS)
        messages = await events(line, "message", 6)
        answers = [event.message for event in messages if event.message.sender.is_bot]
        assert {(one.chat.id, one.text) for one in answers} == {(ANNA, "dota2 boost"), (TRADERS, "rust")}
        (private,) = [one for one in answers if one.chat.id == ANNA]
        assert [(one.type, one.length) for one in private.entities] == [("code", 11)]
        await line.posted("press", user_id=ANNA, chat_id=ANNA, message_id=private.message_id, data="buy:1")
        (edit,) = await events(line, "edit")
        (answer,) = await events(line, "answer")
    assert (edit.message.text, edit.message.reply_markup) == ("done", None)
    assert (answer.user_id, answer.text, answer.show_alert) == (ANNA, "got buy:1", True)
    assert (await line.told("served"))["waiting"] <= 1  # the last one is confirmed by the next poll


async def test_what_was_not_confirmed_is_handled_after_a_restart(line, bot):
    await line.say("/scan csgo")
    router = Router()
    echo(router)
    async with polling(bot, router):
        found = await events(line, "message", 3)
    assert found[-1].message.text == "csgo"


async def test_a_webhook_handler_gets_updates_and_may_answer_in_place(line, bot):
    router = Router()
    echo(router)

    @router.message()
    async def other(message: Message) -> object:
        return message.answer("in the answer")

    dispatcher = Dispatcher()
    dispatcher.include_router(router)
    application = web.Application()
    SimpleRequestHandler(dispatcher, bot, handle_in_background=False, secret_token="s3cret").register(application, path="/hook")
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token="s3cret", allowed_updates=["message"])
        await line.say("/scan dota2")
        await line.say("hello")
        found = await events(line, "message", 5)
        texts = {event.message.text for event in found if event.message.sender.is_bot}
    finally:
        await bot.delete_webhook()
        await runner.cleanup()
    assert texts == {"dota2", "in the answer"}
    await bot.set_webhook("http://127.0.0.1:9/hook")
    with pytest.raises(exceptions.TelegramConflictError):
        await bot.get_updates()


async def test_every_failure_becomes_its_exception(line, bot):
    async def fail(**plan):
        await line.posted("fail", **plan)

    with pytest.raises(exceptions.TelegramBadRequest, match="message text is empty"):
        await bot.send_message(ANNA, " ")
    with pytest.raises(exceptions.TelegramForbiddenError, match="can't initiate"):
        await bot.send_message(BORIS, "a")
    new = (await line.posted("migrate", chat_id=TRADERS))["chat_id"]
    with pytest.raises(exceptions.TelegramMigrateToChat) as migrated:
        await bot.send_message(TRADERS, "a")
    assert migrated.value.migrate_to_chat_id == new
    await fail(status=429, retry_after=9)
    with pytest.raises(exceptions.TelegramRetryAfter) as told:
        await bot.send_message(ANNA, "a")
    assert told.value.retry_after == 9
    for plan, expected in (
        ({"status": 500, "description": "Internal Server Error: restart"}, exceptions.RestartingTelegram),
        ({"status": 502}, exceptions.TelegramServerError),
        ({"html": 502}, exceptions.ClientDecodeError),
        ({"drop": "after"}, exceptions.TelegramNetworkError),
    ):
        await fail(**plan)
        with pytest.raises(expected):
            await bot.send_message(ANNA, "a")
    async with aiogram_bot(TelegramAddress(line.server.address.url, "7000000001:ANOTHER")) as stranger:
        with pytest.raises(exceptions.TelegramUnauthorizedError):
            await stranger.get_me()


async def test_flood_control_reaches_aiogram_as_retry_after():
    async with meet(TelegramOptions(), now=Clock()) as line, aiogram_bot(line.server.address) as bot:
        for _ in range(4):
            await bot.send_message(ANNA, "a")
        with pytest.raises(exceptions.TelegramRetryAfter) as told:
            await bot.send_message(ANNA, "a")
        assert told.value.retry_after == 1


async def test_a_second_poller_is_a_conflict(line, bot):
    async with aiogram_bot(line.server.address) as other:
        first = asyncio.create_task(bot.get_updates(timeout=50))
        await line.held()
        second = asyncio.create_task(other.get_updates(offset=1, timeout=50))
        with pytest.raises(exceptions.TelegramConflictError):
            await first
        line.people.write(ANNA, ANNA, "a")
        assert len(await second) == 1


async def test_an_error_in_a_handler_leaves_the_bot_polling(line, bot):
    router = Router()
    errors: list[str] = []

    @router.message(Command("break"))
    async def broken(message: Message) -> None:
        await message.answer("<div>")

    @router.message()
    async def fine(message: Message) -> None:
        await message.answer("fine")

    @router.errors()
    async def failed(event: ErrorEvent) -> None:
        errors.append(str(event.exception))

    async with polling(bot, router):
        await line.say("/break")
        await line.say("hello")
        await events(line, "message", 4)
        await until(lambda: errors)
    assert 'Unsupported start tag "div" at byte offset 0' in errors[0]


async def test_link_previews_and_updates_in_json_survive_the_round_trip(line, bot):
    sent = await bot.send_message(ANNA, "https://example.org", link_preview_options=LinkPreviewOptions(is_disabled=True))
    assert sent.link_preview_options is not None
    assert sent.link_preview_options.is_disabled is True
    told = await line.say("x")
    (update,) = await line.ok("getUpdates")
    assert Update.model_validate(update, context={"bot": bot}).update_id == told["update_id"]
    assert isinstance(bot, Bot)
