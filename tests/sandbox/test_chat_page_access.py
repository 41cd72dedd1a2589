"""Whoever comes to the chat page: by keyboard alone, by screen reader, with a phone, in the dark, without moving pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiogram.types import BufferedInputFile
from playwright.async_api import expect

from tests.sandbox.chatting import ANNA, BORIS, keyboard, picture, staged

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.sandbox.chatting import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

LANDMARKS = """
- navigation "Skip to":
  - link "Write as Anna"
  - link "Write as Boris"
- banner:
  - heading "Local Telegram" [level=1]
  - paragraph: On this machine only. Nothing here reaches Telegram.
  - status: Connected
- main:
  - region "Anna":
    - heading "Anna" [level=2]
    - paragraph: Owner, id 1001
    - tablist "Chats of Anna":
      - tab "Sandbox Bot" [selected]
      - tab "Traders"
    - tabpanel "Sandbox Bot":
      - group "Chat with Sandbox Bot":
        - list "Messages with Sandbox Bot":
          - listitem:
            - article /You, .+/:
              - button "/start"
              - time
          - listitem:
            - article /Sandbox Bot, .+/:
              - text: Hello,
              - strong: Anna
              - text: . Count 0
              - time
            - group "Buttons of the message":
              - button "Count"
              - button "Balance"
              - button "Note"
              - button "Wait"
              - link "Market (opens a new tab)"
      - button "Menu"
      - textbox "Message to Sandbox Bot as Anna"
      - button "Send"
  - region "Boris":
    - heading "Boris" [level=2]
    - paragraph: Stranger, id 2002
- log "News"
"""
NAMED = {"button", "link", "textbox", "tab", "tablist", "tabpanel", "listbox", "option", "dialog", "article", "region", "navigation", "list", "group", "image"}

FAINT = """() => {
  const parse = (text) => {
    const numbers = text.match(/[\\d.]+(?:e-?\\d+)?/g).map(Number);
    const scale = text.startsWith("color(") ? 255 : 1;
    return { rgb: numbers.slice(0, 3).map((part) => part * scale), alpha: numbers[3] ?? 1 };
  };
  const over = (top, under) => ({ rgb: top.rgb.map((part, at) => part * top.alpha + under.rgb[at] * (1 - top.alpha)), alpha: 1 });
  const light = ({ rgb }) => rgb.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const grounds = (element, pseudo) => {
    const films = [];
    for (let node = element, part = pseudo; node; part ? (part = null) : (node = node.parentElement)) {
      const style = getComputedStyle(node, part);
      const stops = (style.backgroundImage.match(/(?:rgba?|color)\\([^)]*\\)/g) ?? []).map(parse).filter((stop) => stop.alpha === 1);
      const flat = parse(style.backgroundColor);
      const solid = stops.length ? stops : flat.alpha === 1 ? [flat] : [];
      if (solid.length) return solid.map((ground) => films.reduceRight((under, film) => over(film, under), ground));
      if (flat.alpha) films.push(flat);
    }
    return [{ rgb: [255, 255, 255], alpha: 1 }];
  };
  const least = (element, pseudo) => {
    const ink = parse(getComputedStyle(element, pseudo).color);
    return Math.min(...grounds(element, pseudo).map((ground) => {
      const [one, other] = [light(over(ink, ground)), light(ground)];
      return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    }));
  };
  const faint = [];
  let seen = 0;
  const check = (element, pseudo, words) => {
    seen += 1;
    const contrast = least(element, pseudo);
    if (contrast < 4.5) faint.push(`${words}: ${contrast.toFixed(2)}`);
  };
  for (const element of document.querySelectorAll("body *")) {
    const words = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (words && element.checkVisibility({ visibilityProperty: true }) && !element.closest("[data-hue], .empty .face, svg")) check(element, null, words);
    if (element.dataset.day) check(element, "::before", element.dataset.day);
  }
  return { faint, seen };
}"""


async def furnish(stage: Stage) -> None:
    """One of everything."""
    await stage.started()
    await stage.says("Boris", "/start")
    bot = stage.talker.bot
    await bot.send_message(
        ANNA,
        "<b>b</b> <code>code</code> <a href='https://a.example'>link</a> <tg-spoiler>s</tg-spoiler><pre><code class='language-python'>x</code></pre>"
        "<blockquote>quote</blockquote>#tag /help @name",
        reply_markup=keyboard((("One", "a"), ("Two", "https://b.example"))),
    )
    await bot.send_photo(ANNA, BufferedInputFile(picture(), "a.png"), caption="A caption")
    await bot.send_photo(ANNA, BufferedInputFile(picture(300, 200), "b.png"))
    await bot.send_document(ANNA, BufferedInputFile(b"abc", "finds.csv"))
    await stage.pane("Boris").get_by_role("tab", name="Traders").click()
    await stage.pane("Anna").get_by_role("tab", name="Traders").click()
    await stage.says("Anna", "/start@sandbox_dm_bot", "Traders")
    await expect(stage.messages("Boris", "Traders")).to_have_count(2)
    await stage.pane("Anna").get_by_role("tab", name="Sandbox Bot").click()
    await stage.field("Anna").fill("/")
    await expect(stage.messages("Anna")).to_have_count(6)
    await expect(stage.page.get_by_role("option")).to_have_count(2)


async def focused(page: Page) -> str:
    """What has the focus: the words on it, or its name."""
    return str(await page.evaluate("() => (document.activeElement.ariaLabel ?? document.activeElement.innerText).trim()"))


async def test_the_accessibility_tree_tells_the_page_in_order(browser):
    async with staged(browser) as stage:
        await stage.started()
        await expect(stage.page.locator("body")).to_match_aria_snapshot(LANDMARKS)


async def test_everything_that_can_be_used_has_a_name(browser):
    async with staged(browser) as stage:
        await furnish(stage)
        client = await stage.page.context.new_cdp_session(stage.page)
        tree = (await client.send("Accessibility.getFullAXTree"))["nodes"]
        found = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
        assert {"button", "link", "textbox", "tab", "option", "article"} <= {role for role, _ in found}
        assert [role for role, name in found if role in NAMED and not name.strip()] == []


async def test_news_of_the_bot_are_announced_once_and_edits_are_not(browser):
    async with staged(browser) as stage:
        answer = await stage.started()
        said = ["Sandbox Bot to Anna: Hello, Anna. Count 0. 5 buttons."]
        await expect(stage.news).to_have_text(said)
        await answer.get_by_role("button", name="Count").click()
        await expect(answer).to_contain_text("Count 1")
        await answer.get_by_role("button", name="Note").click()
        said.append("Sandbox Bot to Anna: Noted.")
        await expect(stage.news).to_have_text(said)
        await stage.pane("Anna").get_by_role("tab", name="Traders").click()
        await stage.says("Anna", "/start@sandbox_dm_bot", "Traders")
        said.append("Sandbox Bot in Traders: Hello, traders.")
        await expect(stage.news).to_have_text(said)


async def test_a_whole_talk_by_keyboard_alone(browser):
    async with staged(browser) as stage:
        keys, answer = stage.page.keyboard, stage.messages("Anna").last
        await expect(stage.field("Anna")).to_be_focused()
        await keys.type("/start")
        await keys.press("Enter")
        await expect(answer).to_contain_text("Count 0")
        for wanted in ("Menu", "Market", "Wait", "Note", "Balance", "Count"):
            await keys.press("Shift+Tab")
            assert wanted in await focused(stage.page)
        await keys.press("Enter")
        await expect(answer).to_contain_text("Count 1")
        await keys.press("Space")
        await expect(answer).to_contain_text("Count 2")
        await keys.press("Tab")
        await keys.press("Enter")
        await expect(stage.page.get_by_role("alertdialog")).to_contain_text("Balance: $12.50")
        await keys.press("Enter")
        await expect(answer.get_by_role("button", name="Balance")).to_be_focused()
        await keys.press("Escape")
        await expect(stage.field("Anna")).to_be_focused()
        await stage.pane("Anna").get_by_role("tab", name="Sandbox Bot").focus()
        await keys.press("ArrowRight")
        await expect(stage.pane("Anna").get_by_role("tab", name="Traders")).to_be_focused()
        await expect(stage.field("Anna", "Traders")).to_be_visible()
        await keys.press("End")
        await keys.press("ArrowRight")
        await expect(stage.field("Anna")).to_be_visible()


async def test_the_menu_works_by_keyboard(browser):
    async with staged(browser) as stage:
        keys = stage.page.keyboard
        menu = stage.pane("Anna").get_by_role("button", name="Menu")
        await menu.focus()
        await keys.press("Enter")
        await expect(menu).to_have_attribute("aria-expanded", "true")
        first, second = stage.page.get_by_role("option", name="/start"), stage.page.get_by_role("option", name="/photo")
        await expect(first).to_have_attribute("aria-selected", "true")
        await expect(stage.field("Anna")).to_have_attribute("aria-activedescendant", await first.get_attribute("id") or "")
        await keys.press("ArrowUp")
        await expect(second).to_have_attribute("aria-selected", "true")
        await keys.press("Tab")
        await expect(stage.field("Anna")).to_have_value("/photo ")
        await expect(stage.field("Anna")).to_be_focused()
        await expect(menu).to_have_attribute("aria-expanded", "false")


async def test_the_skip_links_lead_to_where_one_writes(browser):
    async with staged(browser, width=390) as stage:
        await stage.page.keyboard.press("Tab")
        await expect(stage.page.get_by_role("link", name="Write as Anna")).to_be_focused()
        await expect(stage.page.get_by_role("link", name="Write as Anna")).to_be_in_viewport()
        await stage.page.keyboard.press("Tab")
        await stage.page.keyboard.press("Enter")
        await expect(stage.field("Boris")).to_be_focused()


async def test_the_focus_is_seen_wherever_it_goes(browser):
    async with staged(browser) as stage:
        await furnish(stage)
        await stage.page.keyboard.press("Escape")
        await stage.page.get_by_role("link", name="Write as Anna").focus()
        seen: list[str] = []
        for _ in range(60):
            await stage.page.keyboard.press("Tab")
            name, outline = await stage.page.evaluate(
                "() => { const it = document.activeElement; const style = getComputedStyle(it);"
                " return [it.tagName + it.className, style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)]; }"
            )
            if name.startswith("BODY"):
                break
            seen.append(name)
            assert outline >= 1, name
        assert {"BUTTONtab", "DIVscroller", "BUTTONcommand", "Akey", "BUTTONkey", "BUTTONphoto", "Adocument", "SPANspoiler", "PRE"} <= set(seen)
        assert seen.count("TEXTAREA") == 2


async def test_the_focus_stays_while_the_message_under_it_changes(browser):
    async with staged(browser) as stage:
        answer = await stage.started()
        bot, count = stage.talker.bot, answer.get_by_role("button", name="Count")
        await count.focus()
        await bot.edit_message_text("Other words", chat_id=ANNA, message_id=2, reply_markup=keyboard((("New", "new"),), (("Count", "count:7"),)))
        changed = stage.messages("Anna").last
        await expect(changed.get_by_role("button", name="New")).to_be_visible()
        await expect(changed.get_by_role("button", name="Count")).to_be_focused()
        await bot.edit_message_text("Other buttons", chat_id=ANNA, message_id=2, reply_markup=keyboard((("Sell", "sell"), ("Buy", "buy"))))
        await expect(changed.get_by_role("article")).to_be_focused()
        await bot.edit_message_text("A <a href='https://a.example'>link</a>", chat_id=ANNA, message_id=2)
        await changed.get_by_role("link").focus()
        await bot.edit_message_text("Another <a href='https://b.example'>link</a>", chat_id=ANNA, message_id=2)
        await expect(changed).to_contain_text("Another")
        await expect(changed.get_by_role("link")).to_be_focused()
        await bot.delete_message(ANNA, 2)
        await expect(stage.field("Anna")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_stands_out_from_its_ground(browser, scheme):
    async with staged(browser, color_scheme=scheme, reduced_motion="reduce") as stage:
        await furnish(stage)
        answer = await stage.page.evaluate(FAINT)
        assert answer["seen"] > 40
        assert answer["faint"] == []


async def test_the_dark_page_is_dark(browser):
    shades = []
    for scheme in ("light", "dark"):
        async with staged(browser, color_scheme=scheme) as stage:
            shades.append(await stage.page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((sum, one) => sum + +one, 0)"))
    assert shades[0] > 600
    assert shades[1] < 90


async def test_who_wants_no_motion_gets_none(browser):
    for wish, moves in (("reduce", False), ("no-preference", True)):
        async with staged(browser, reduced_motion=wish) as stage:
            answer = await stage.started()
            await answer.get_by_role("button", name="Wait").click()
            await expect(answer.get_by_role("button", name="Wait")).to_have_attribute("aria-busy", "true")
            names = await answer.evaluate(
                "(item) => [getComputedStyle(item).animationName, getComputedStyle(item.querySelector('[aria-busy]'), '::after').animationName]"
            )
            assert [name != "none" for name in names] == [moves, moves]


async def test_on_a_phone_one_person_at_a_time(browser):
    async with staged(browser, width=390, height=780) as stage:
        people = stage.page.get_by_role("tablist", name="People")
        await expect(stage.pane("Boris")).to_be_hidden()
        await stage.started()
        await people.get_by_role("tab", name="Boris").click()
        await expect(stage.pane("Anna")).to_be_hidden()
        await stage.says("Boris", "/start")
        await expect(stage.messages("Boris").last).to_contain_text("This bot is not for you")
        await stage.talker.bot.send_message(ANNA, "A find")
        await people.get_by_role("tab", name="Anna 1 new").click()
        await expect(stage.messages("Anna").last).to_contain_text("A find")
        await expect(people.get_by_role("tab", name="Anna", exact=True)).to_have_attribute("aria-selected", "true")
        await stage.talker.bot.send_message(BORIS, "For Boris")
        await expect(people.get_by_role("tab", name="Boris 1 new")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 700, 1100])
async def test_nothing_sticks_out_and_everything_can_be_hit(browser, width):
    async with staged(browser, width=width, height=740) as stage:
        await stage.started()
        await stage.talker.bot.send_photo(ANNA, BufferedInputFile(picture(1200, 500), "a.png"), caption="Median")
        await expect(stage.messages("Anna")).to_have_count(3)
        wrong = await stage.page.evaluate(
            """() => [...document.querySelectorAll("button, a, textarea, h1, p, img, article, .who")]
              .filter((one) => one.checkVisibility() && !one.closest(".unseen"))
              .map((one) => [one.tagName + "." + one.className, one.getBoundingClientRect(), one])
              .filter(([name, box, one]) => box.left < -0.5 || box.right > innerWidth + 0.5 || one.scrollWidth > one.clientWidth + 1
                || (one.matches("button:not(.command), a.key, textarea") && (box.width < 24 || box.height < 24)))
              .map(([name]) => name)"""
        )
        assert wrong == []
        assert await stage.page.evaluate("() => document.documentElement.scrollWidth") == width
