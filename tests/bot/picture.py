"""``make picture``: the README's picture of a chat, taken in a browser while the bot runs on the sandbox market."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from playwright.async_api import async_playwright, expect

from tests.browser import LAUNCH, chromium, missing
from tests.cli.door import clean_environment

PICTURE = Path(".readme/chat.png")
SIZE = {"width": 1240, "height": 900}
PATIENCE = 60_000
"""Milliseconds that a step may take."""


async def main() -> None:
    """Scan, and let a stranger try."""
    browser = chromium()
    if browser is None:
        sys.exit(f"the picture of the chat was not taken: {missing()}")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "botcore", "bot", "--port", "0", env=clean_environment(), stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        await _take(browser, await _page_of(child))
    finally:
        child.terminate()
        await child.wait()


async def _page_of(child: asyncio.subprocess.Process) -> str:
    assert child.stderr is not None
    said = ""
    while line := (await child.stderr.readline()).decode():
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
        said += line
    raise RuntimeError(f"the bot ended before it said where its chat page is: {said}")


async def _take(browser: str, url: str) -> None:
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(executable_path=browser, args=list(LAUNCH))
        page = await chrome.new_page(viewport=SIZE)  # type: ignore[arg-type]
        expect.set_options(timeout=PATIENCE)
        await page.goto(url)
        anna, boris = (page.get_by_role("region", name=name) for name in ("Anna", "Boris"))
        for pane, text in ((boris, "/start"), (anna, "/scan csgo medium")):
            field = pane.get_by_role("textbox")
            await field.fill(text)
            await field.press("Enter")
        await expect(anna.get_by_role("button", name="Scan again")).to_be_visible()
        await page.wait_for_timeout(500)  # what moves into view has come to rest
        PICTURE.parent.mkdir(exist_ok=True)
        await page.screenshot(path=PICTURE)
        await chrome.close()


if __name__ == "__main__":
    asyncio.run(main())
