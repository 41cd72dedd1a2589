"""How the chat page draws what was written: entities, directions, long words, and the commands of the bot."""

from __future__ import annotations

import pytest
from aiogram.types import BotCommand, MessageEntity
from playwright.async_api import expect

from tests.sandbox.chatting import ANNA, TRADERS, keyboard, staged

pytestmark = pytest.mark.asyncio(loop_scope="module")

RICH = (
    "🙂 <b>bold <i>both</i></b> <u>under</u> <s>struck</s> <code>code</code> <tg-spoiler>hidden words</tg-spoiler>\n"
    '<pre><code class="language-python">if a &lt; b:\n    pass</code></pre>\n<blockquote>quoted</blockquote>\n'
    '<a href="https://example.com/a?b=1&amp;c=2">there</a> /start @anna #tag'
)
SHUFFLED = """async () => {
  const { textNodes } = await import("/page/text.js");
  const kinds = ["bold", "italic", "code", "spoiler", "underline", "text_link", "mention", "unheard_of"];
  let seed = 7;
  const any = (below) => (seed = (seed * 48271) % 2147483647) % below;
  const text = "a🙂b مرحبا <i>c</i> d";
  const wrong = [];
  for (let round = 0; round < 500; round += 1) {
    const entities = Array.from({ length: any(7) }, () => ({ type: kinds[any(8)], offset: any(26) - 2, length: any(20), url: "https://example.com" }));
    const box = document.createElement("div");
    box.append(...textNodes(text, entities, () => {}));
    if (box.textContent !== text || box.querySelector("i")) wrong.push(entities);
  }
  return wrong;
}"""


async def test_every_entity_is_drawn_as_what_it_is(browser):
    async with staged(browser) as stage:
        await stage.started()
        await stage.talker.bot.send_message(ANNA, RICH)
        text = stage.messages("Anna").last.locator(".text")
        for selector, words in {
            "strong": "bold both",
            "strong em": "both",
            "u": "under",
            "s": "struck",
            ".text > code": "code",
            "pre": "if a < b:\n    pass",
            "blockquote": "quoted",
            "a": "there",
            ".mention": "@anna",
            ".hashtag": "#tag",
        }.items():
            await expect(stage.messages("Anna").last.locator(selector)).to_have_text(words)
        await expect(text.locator("pre")).to_have_attribute("data-language", "python")
        await expect(text.get_by_role("link", name="there")).to_have_attribute("href", "https://example.com/a?b=1&c=2")
        await expect(text.get_by_role("link", name="there")).to_have_attribute("rel", "noopener noreferrer")
        await text.get_by_role("button", name="/start").click()
        await expect(stage.messages("Anna").last).to_contain_text("Hello, Anna")


async def test_hidden_words_are_shown_when_pressed_and_stay_so(browser):
    async with staged(browser) as stage:
        await stage.started()
        message = await stage.talker.bot.send_message(ANNA, RICH)
        last = stage.messages("Anna").last
        hidden = last.get_by_text("hidden words")
        await expect(hidden).to_be_hidden()
        await last.get_by_role("button", name="Hidden text, press to show").press("Enter")
        await expect(hidden).to_be_visible()
        await stage.talker.bot.edit_message_text(RICH + "!", chat_id=ANNA, message_id=message.message_id)
        await expect(last).to_contain_text("edited")
        await expect(hidden).to_be_visible()


async def test_no_entities_however_odd_change_the_text(browser):
    async with staged(browser) as stage:
        assert await stage.page.evaluate(SHUFFLED) == []


async def test_only_harmless_addresses_become_links(browser):
    async with staged(browser) as stage:
        given = ["https://a.example", "http://a.example", "mailto:a@b.example", "javascript:hacked()", "data:text/html,x", "tg://user?id=1", "nonsense"]
        answers = await stage.page.evaluate("async (given) => { const { safeAddress } = await import('/page/text.js'); return given.map(safeAddress); }", given)
        assert answers == ["https://a.example/", "http://a.example/", "mailto:a@b.example", None, None, None, None]
        await stage.started()
        words = "user script plain.example a@b.example"
        entities = [
            MessageEntity(type="text_link", offset=0, length=4, url="tg://user?id=1001"),
            MessageEntity(type="url", offset=12, length=13),
            MessageEntity(type="email", offset=26, length=11),
        ]
        await stage.talker.bot.send_message(ANNA, words, parse_mode=None, entities=entities)
        links = stage.messages("Anna").last.get_by_role("link")
        await expect(links).to_have_text(["plain.example", "a@b.example"])
        await expect(links.first).to_have_attribute("href", "http://plain.example/")


async def test_a_long_quote_opens(browser):
    async with staged(browser) as stage:
        await stage.started()
        await stage.talker.bot.send_message(ANNA, "<blockquote expandable>" + "line<b>s</b>\n" * 12 + "the end</blockquote>")
        last = stage.messages("Anna").last
        more = last.get_by_role("button", name="Show more")
        await expect(more).to_be_visible()
        low = await last.evaluate("(item) => item.clientHeight")
        await more.click()
        await expect(last.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
        assert await last.evaluate("(item) => item.clientHeight") > low


async def test_each_line_runs_in_its_own_direction(browser):
    async with staged(browser) as stage:
        await stage.started()
        await stage.talker.bot.send_message(ANNA, "שלום עולם, <b>מחיר</b> 12.50\nAK-47 | Redline 🎉")
        await expect(stage.messages("Anna").last).to_contain_text("🎉")
        where = await stage.messages("Anna").last.evaluate(
            """(item) => {
              const text = item.querySelector(".text");
              const box = text.getBoundingClientRect();
              const range = document.createRange();
              const middle = (node, from, to) => {
                range.setStart(node, from); range.setEnd(node, to);
                const place = range.getBoundingClientRect();
                return (place.left + place.right) / 2 < (box.left + box.right) / 2 ? "left" : "right";
              };
              const last = text.querySelector("strong").nextSibling;
              const latin = last.data.indexOf("AK");
              return [getComputedStyle(text).direction, middle(text.firstChild, 0, 1), middle(last, latin, latin + 1)];
            }"""
        )
        assert where == ["rtl", "right", "left"]


async def test_long_words_wrap_on_a_phone(browser):
    async with staged(browser, width=360) as stage:
        await stage.started()
        await stage.talker.bot.send_message(ANNA, "W" * 600)
        await stage.talker.bot.send_message(ANNA, f"<pre>{'x' * 300}</pre><code>{'y' * 300}</code>", reply_markup=keyboard((("Z" * 80, "z"), ("Other", "o"))))
        await expect(stage.messages("Anna")).to_have_count(4)
        width = "(item) => [item.scrollWidth, item.clientWidth]"
        for box in (stage.page.locator("html"), stage.pane("Anna").locator(".scroller").first):
            scroll, client = await box.evaluate(width)
            assert scroll == client


async def test_a_slash_opens_the_commands_which_narrow_as_one_types(browser):
    async with staged(browser) as stage:
        await stage.field("Anna").click()
        await stage.page.keyboard.type("/")
        options = stage.page.get_by_role("listbox", name="Commands").get_by_role("option")
        await expect(options).to_have_text(["/start Begin here", "/photo See a chart"])
        await stage.page.keyboard.type("ph")
        await expect(options).to_have_text(["/photo See a chart"])
        await stage.page.keyboard.press("ArrowDown")
        await expect(options).to_have_attribute("aria-selected", "true")
        await stage.page.keyboard.press("Enter")
        await expect(stage.messages("Anna").first).to_contain_text("/photo")
        await expect(options).to_have_count(0)
        await expect(stage.field("Anna")).to_have_value("")


async def test_the_menu_sends_a_command_and_keeps_what_was_begun(browser):
    async with staged(browser) as stage:
        await stage.field("Anna").fill("not yet")
        await stage.pane("Anna").get_by_role("button", name="Menu").click()
        await stage.page.get_by_role("option", name="/start Begin here").click()
        await expect(stage.messages("Anna").first).to_contain_text("/start")
        await expect(stage.field("Anna")).to_have_value("not yet")


async def test_commands_come_in_the_language_of_the_person_and_anew_when_they_change(browser):
    async with staged(browser) as stage:
        await stage.field("Boris").fill("/")
        options = stage.page.get_by_role("option")
        await expect(options).to_have_text(["/start Начать"])
        await stage.talker.bot.set_my_commands([BotCommand(command="help", description="Помощь")], language_code="ru")
        await expect(options).to_have_text(["/help Помощь"])
        await stage.page.keyboard.press("Escape")
        await expect(options).to_have_count(0)


async def test_a_command_chosen_in_a_group_names_the_bot(browser):
    async with staged(browser) as stage:
        await stage.pane("Anna").get_by_role("tab", name="Traders").click()
        await stage.field("Anna", "Traders").fill("/st")
        await stage.page.get_by_role("option", name="/start Begin here").click()
        await expect(stage.messages("Anna", "Traders").first).to_contain_text("/start@sandbox_dm_bot")
        await expect(stage.messages("Anna", "Traders").last).to_contain_text("Hello, traders.")
        assert list(stage.server.telegram.rooms[TRADERS].messages) == [1, 2]
