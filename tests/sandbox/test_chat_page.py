"""The chat page in a real browser, over the real server, with a real aiogram bot behind it: what a newcomer does and sees."""

from __future__ import annotations

import re

import msgspec
import pytest
from aiogram.types import BufferedInputFile, ReplyParameters
from playwright.async_api import expect

from botcore.sandbox import Group, Person, TelegramOptions
from tests.sandbox.chatting import ANNA, AWAY, TRADERS, UNHURRIED, keyboard, picture, served, staged, window

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOSTILE = "<img src=x onerror=hacked()> </div><script>hacked()</script> {{7*7}} \"'&amp;"


async def test_the_heading_says_that_nothing_here_reaches_telegram(browser):
    async with staged(browser) as stage:
        banner = stage.page.get_by_role("banner").first
        await expect(banner.get_by_role("heading", level=1)).to_have_text("Local Telegram")
        await expect(banner).to_contain_text("On this machine only. Nothing here reaches Telegram.")


async def test_an_empty_chat_says_what_to_do_and_start_starts(browser):
    async with staged(browser) as stage:
        anna = stage.pane("Anna")
        await expect(anna).to_contain_text("Nothing here yet. Type /start or press Start.")
        await anna.get_by_role("button", name="Start", exact=True).click()
        await expect(stage.messages("Anna").filter(has_text="Hello, Anna")).to_be_visible()
        await expect(anna.get_by_role("button", name="Start", exact=True)).to_be_hidden()
        await expect(stage.field("Anna")).to_be_focused()


async def test_a_button_edits_the_message_where_it_stands(browser):
    async with staged(browser) as stage:
        answer = await stage.started()
        count = answer.get_by_role("button", name="Count")
        for number in (1, 2, 3):
            await count.click()
            await expect(answer).to_contain_text(f"Count {number}")
        await expect(answer).to_contain_text("edited")
        await expect(answer.locator("strong")).to_have_text("Anna")
        await expect(stage.messages("Anna")).to_have_count(2)
        await expect(stage.messages("Anna").first).to_have_class(re.compile("mine"))
        await expect(answer).not_to_have_class(re.compile("mine"))


async def test_a_pressed_button_waits_for_the_answer_and_is_pressed_once(browser):
    async with staged(browser) as stage:
        wait = (await stage.started()).get_by_role("button", name="Wait")
        await wait.click()
        await expect(wait).to_have_attribute("aria-busy", "true")
        await wait.click()
        stage.talker.gate.set()
        await expect(wait).not_to_have_attribute("aria-busy", "true")
        await wait.click()
        await expect(wait).not_to_have_attribute("aria-busy", "true")
        assert stage.talker.presses == 2


async def test_an_answer_is_a_toast_or_a_dialog(browser):
    async with staged(browser) as stage:
        answer = await stage.started()
        await answer.get_by_role("button", name="Note").click()
        await expect(stage.pane("Anna").locator(".toast")).to_have_text("Noted.")
        await answer.get_by_role("button", name="Balance").click()
        dialog = stage.page.get_by_role("alertdialog", name="Sandbox Bot to Anna")
        await expect(dialog).to_contain_text("Balance: $12.50")
        await dialog.get_by_role("button", name="OK").click()
        await expect(dialog).to_be_hidden()
        await expect(stage.pane("Boris").locator(".toast")).to_have_count(0)


async def test_a_button_that_is_gone_says_so(browser):
    async with staged(browser, forgiven="status of 404") as stage:
        count = (await stage.started()).get_by_role("button", name="Count")
        await count.evaluate("(button) => { button.button = { ...button.button, callback_data: 'gone' }; }")
        await count.click()
        await expect(stage.news).to_contain_text([re.compile("Anna: .*no button with the data")])
        await expect(count).not_to_have_attribute("aria-busy", "true")


async def test_a_button_with_an_address_opens_a_page_that_knows_nothing_of_this_one(browser):
    async with staged(browser) as stage:
        market = (await stage.started()).get_by_role("link", name="Market (opens a new tab)")
        await expect(market).to_have_attribute("href", "https://market.example/offers")
        await expect(market).to_have_attribute("target", "_blank")
        await expect(market).to_have_attribute("rel", re.compile("noopener"))


async def test_a_photo_is_scaled_and_grows_when_it_is_pressed(browser):
    async with staged(browser) as stage:
        await stage.says("Anna", "/photo")
        photo = stage.messages("Anna").get_by_role("button", name="Photo, enlarge")
        await expect(photo.locator("img")).to_have_js_property("naturalWidth", 640)
        box = await photo.bounding_box()
        assert box is not None
        assert box["width"] / box["height"] == pytest.approx(640 / 360, rel=0.02)
        await expect(stage.messages("Anna").last).to_contain_text("Median 14.05")
        await photo.click()
        viewer = stage.page.get_by_role("dialog", name="Photo")
        await expect(viewer.get_by_role("img", name="Median 14.05")).to_be_visible()
        await stage.page.keyboard.press("Escape")
        await expect(viewer).to_be_hidden()
        await expect(photo).to_be_focused()
        await photo.click()
        await viewer.get_by_role("button", name="Close the photo").click()
        await expect(viewer).to_be_hidden()


async def test_a_file_can_be_saved(browser):
    async with staged(browser) as stage:
        await stage.started()
        await stage.talker.bot.send_document(ANNA, BufferedInputFile(b"a,b\n" * 1000, "finds.csv"))
        async with stage.page.expect_download() as waiting:
            await stage.messages("Anna").get_by_role("link", name="finds.csv 3.9 KB").click()
        saved = await waiting.value
        assert saved.suggested_filename == "finds.csv"


async def test_a_stranger_beside_the_owner_is_refused(browser):
    async with staged(browser) as stage:
        await expect(stage.pane("Anna").locator("header")).to_contain_text("Owner, id 1001")
        await expect(stage.pane("Boris").locator("header")).to_contain_text("Stranger, id 2002")
        await stage.says("Boris", "/start")
        await expect(stage.messages("Boris").last).to_contain_text("This bot is not for you. Your id is 2002.")
        await expect(stage.messages("Boris").last.get_by_role("button")).to_have_count(0)
        await expect(stage.messages("Anna")).to_have_count(0)


async def test_a_group_is_seen_by_both_each_from_his_side(browser):
    async with staged(browser) as stage:
        await stage.pane("Anna").get_by_role("tab", name="Traders").click()
        await stage.says("Anna", "/start@sandbox_dm_bot", "Traders")
        await expect(stage.messages("Anna", "Traders").last).to_contain_text("Hello, traders.")
        tab = stage.pane("Boris").get_by_role("tab", name="Traders 2 new")
        await tab.click()
        await expect(stage.pane("Boris").get_by_role("tab", name="Traders", exact=True)).to_have_attribute("aria-selected", "true")
        first = stage.messages("Boris", "Traders").first
        await expect(first.locator(".name")).to_have_text("Anna")
        await expect(first).not_to_have_class(re.compile("mine"))
        await expect(stage.messages("Anna", "Traders").first).to_have_class(re.compile("mine"))


async def test_a_group_that_becomes_a_supergroup_goes_on_in_its_tab(browser):
    async with staged(browser) as stage:
        await stage.pane("Boris").get_by_role("tab", name="Traders").click()
        await stage.says("Boris", "/start@sandbox_dm_bot", "Traders")
        await expect(stage.messages("Boris", "Traders")).to_have_count(2)
        moved = stage.server.people.migrate(TRADERS)
        await expect(stage.messages("Boris", "Traders")).to_have_text([re.compile("This supergroup was a group before")])
        await stage.talker.bot.send_message(moved, "Here we are.")
        await expect(stage.messages("Boris", "Traders").last).to_contain_text("Here we are.")
        await expect(stage.pane("Anna").get_by_role("tab", name="Sandbox Bot")).to_have_attribute("aria-selected", "true")


async def test_hostile_text_stays_text(browser):
    options = TelegramOptions(flood=False, people=(Person(id=ANNA, first_name=HOSTILE),), groups=(Group(id=TRADERS, title=HOSTILE, members=(ANNA,)),))
    async with staged(browser, options) as stage:
        await stage.page.evaluate("() => { window.hacked = () => { window.wasHacked = true; }; }")
        await stage.page.get_by_role("textbox").first.fill(HOSTILE)
        await stage.page.keyboard.press("Enter")
        message = await stage.talker.bot.send_message(ANNA, HOSTILE, parse_mode=None, reply_markup=keyboard(((HOSTILE, "alert"), (HOSTILE, "toast"))))
        await stage.page.get_by_role("listitem").get_by_role("button", name=HOSTILE).last.click()
        await stage.talker.bot.send_photo(ANNA, BufferedInputFile(picture(), "a.png"), caption=HOSTILE, parse_mode=None)
        await stage.talker.bot.edit_message_text(HOSTILE + "!", chat_id=ANNA, message_id=message.message_id, parse_mode=None)
        await expect(stage.page.get_by_role("listitem").nth(1)).to_contain_text(HOSTILE + "!")
        await expect(stage.page.locator("h2").first).to_have_text(HOSTILE)
        await expect(stage.page.get_by_role("tab", name=HOSTILE)).to_have_count(1)
        assert await stage.page.evaluate("() => window.wasHacked") is None
        assert await stage.page.locator("main script, main img[src='x'], main [onerror]").count() == 0


async def test_enter_sends_and_shift_enter_begins_a_line(browser):
    async with staged(browser) as stage:
        field = stage.field("Anna")
        await field.click()
        await stage.page.keyboard.type("one")
        low = await field.evaluate("(field) => field.clientHeight")
        await stage.page.keyboard.press("Shift+Enter")
        await stage.page.keyboard.type("two")
        assert await field.evaluate("(field) => field.clientHeight") > low
        await stage.page.keyboard.press("Enter")
        await expect(stage.messages("Anna").first.locator(".text")).to_contain_text("one\ntwo", use_inner_text=True)
        await expect(field).to_have_value("")
        await stage.page.keyboard.press("Enter")
        await expect(stage.messages("Anna")).to_have_count(1)


async def test_what_is_longer_than_a_message_goes_as_several(browser):
    async with staged(browser) as stage:
        await stage.says("Anna", "x" * 5000)
        await expect(stage.messages("Anna")).to_have_count(2)


async def test_the_list_stays_with_the_reader(browser):
    async with staged(browser) as stage:
        await stage.started()
        anna = stage.pane("Anna")
        for number in range(25):
            await stage.talker.bot.send_message(ANNA, f"Find number {number}")
        last = stage.messages("Anna").last
        await expect(last).to_contain_text("Find number 24")
        await expect(last).to_be_in_viewport()
        scroller = anna.get_by_role("list", name="Messages with Sandbox Bot").locator("xpath=..")
        await scroller.evaluate("(scroller) => { scroller.scrollTop = 0; }")
        await expect(stage.messages("Anna").first).to_be_in_viewport()
        await stage.talker.bot.send_message(ANNA, "One more")
        await stage.talker.bot.send_message(ANNA, "And another")
        news = anna.get_by_role("button", name="2 new messages")
        await expect(news).to_be_visible()
        await expect(stage.messages("Anna").last).not_to_be_in_viewport()
        await news.click()
        await expect(stage.messages("Anna").last).to_be_in_viewport()
        await expect(news).to_be_hidden()


async def test_what_the_bot_is_doing_is_shown_until_it_has_done_it(browser):
    async with staged(browser) as stage:
        await stage.started()
        doing = stage.pane("Anna").get_by_text("Sandbox Bot is typing")
        await stage.talker.bot.send_chat_action(ANNA, "typing")
        await expect(doing).to_be_visible()
        await stage.talker.bot.send_message(ANNA, "Typed.")
        await expect(doing).to_be_hidden()


async def test_a_deleted_message_goes(browser):
    async with staged(browser) as stage:
        await stage.started()
        message = await stage.talker.bot.send_message(ANNA, "Soon gone")
        await expect(stage.messages("Anna").filter(has_text="Soon gone")).to_have_count(1)
        await stage.talker.bot.delete_message(ANNA, message.message_id)
        await expect(stage.messages("Anna").filter(has_text="Soon gone")).to_have_count(0)
        await expect(stage.messages("Anna")).to_have_count(2)


async def test_a_reply_shows_what_it_answers_to(browser):
    async with staged(browser) as stage:
        await stage.started()
        await stage.talker.bot.send_message(ANNA, "To be exact: zero.", reply_parameters=ReplyParameters(message_id=2))
        await expect(stage.messages("Anna").last.locator(".reply")).to_have_text(re.compile("Sandbox Bot.*Hello, Anna"))


async def test_the_page_comes_back_when_the_server_does_and_says_so_once(browser):
    async with window(browser, forgiven=AWAY) as page:
        status = page.get_by_role("status")
        async with served(page) as stage:
            url = stage.server.address.url
            await page.goto(url)
            await stage.started()
            await page.evaluate(
                "() => { const line = document.querySelector('#link'); window.said = [];"
                " new MutationObserver(() => said.push(line.textContent)).observe(line, { childList: true }); }"
            )
        await expect(status).to_have_text("The local Telegram is away. Trying again")
        await stage.says("Anna", "Is anybody there?")
        await expect(stage.news.last).to_have_text("Anna: The local Telegram cannot be reached.")
        await expect(stage.field("Anna")).to_have_value("Is anybody there?")
        async with served(page, msgspec.structs.replace(UNHURRIED, port=int(url.rsplit(":", 1)[1]))) as again:
            await expect(status).to_have_text("Connected again")
            await expect(again.messages("Anna")).to_have_count(0)
            await again.started()
            assert await page.evaluate("() => said") == ["The local Telegram is away. Trying again", "Connected again"]
            await page.goto("about:blank")


async def test_a_page_that_is_opened_anew_shows_what_was_there(browser):
    async with staged(browser) as stage:
        await (await stage.started()).get_by_role("button", name="Count").click()
        await expect(stage.messages("Anna").last).to_contain_text("Count 1")
        await stage.page.reload()
        await expect(stage.messages("Anna")).to_have_count(2)
        await expect(stage.messages("Anna").last).to_contain_text("Count 1")
        await stage.messages("Anna").last.get_by_role("button", name="Count").click()
        await expect(stage.messages("Anna").last).to_contain_text("Count 2")


async def test_a_single_person_without_groups_has_the_page_alone(browser):
    options = TelegramOptions(flood=False, people=(Person(id=ANNA, first_name="Anna"),), groups=())
    async with staged(browser, options, width=390) as stage:
        await expect(stage.page.get_by_role("tablist", name="People")).to_be_hidden()
        await stage.started()
