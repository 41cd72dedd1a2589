"""``botcore bot``, started and ended as a person would, and what the other commands pay for it: nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from botcore.sandbox import TelegramOptions

from .door import DEADLINE, clean_environment

if TYPE_CHECKING:
    from .door import Terminal

TOKEN = "123456789:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
HEAVY = ("aiogram", "aiohttp.web", "aiolimiter", "matplotlib", "polars", "botcore.bot.run")
ANNA = TelegramOptions().people[0].id


@pytest.fixture
def up(keyless):
    """Starts bots; gives a screen on which one is ready, and the address of its chat page. None outlives the test."""
    screens: list[Terminal] = []

    def start(**settings: Any) -> tuple[Terminal, str]:
        screen = keyless.terminal("bot", "--port", "0", "--seed", "3", **settings)
        screens.append(screen)
        screen.until("Ctrl-C ends it")
        found = re.search(r"A local Telegram, with the bot in it: (http://127\.0\.0\.1:\d+)", screen.text)
        assert found is not None, screen.text
        return screen, found[1]

    yield start
    for screen in screens:
        if screen.process.poll() is None:
            screen.process.kill()
            screen.process.wait()


def tell(page: str, path: str, **what: object) -> Any:
    request = Request(f"{page}/sandbox/{path}", json.dumps(what).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=DEADLINE) as answer:
        return json.load(answer)


def said(page: str, pattern: str) -> str:
    """What the bot said to Anna, as soon as it has said something like this."""
    end = time.monotonic() + DEADLINE
    with urlopen(f"{page}/sandbox/events?after=0", timeout=DEADLINE) as events:
        while time.monotonic() < end:
            line = events.readline()
            if not line.startswith(b"data: "):
                continue
            message = json.loads(line[6:]).get("message") or {}
            if message.get("from", {}).get("is_bot") and re.search(pattern, message.get("text", "")):
                return str(message["text"])
    raise AssertionError(f"{pattern!r} never came")


def test_without_a_token_it_brings_a_telegram_along_answers_in_it_and_ends_with_ctrl_c(up, keyless):
    screen, page = up()
    assert "Market: a sandbox on this machine, seed 3." in screen.text
    with urlopen(page, timeout=DEADLINE) as answer:
        assert b"<html" in answer.read().lower()
    tell(page, "send", user_id=ANNA, chat_id=ANNA, text="/start")
    assert said(page, "^Hello").startswith("Hello, Anna. I find items on DMarket")
    tell(page, "send", user_id=ANNA, chat_id=ANNA, text="/scan rust pro")
    assert "Sandbox: items and prices are invented" in said(page, r"^Rust pro: \d+ found")
    screen.type("\x03")
    assert screen.end() == 130
    assert screen.text.rstrip().endswith("Stopped.")
    with pytest.raises(URLError):
        urlopen(page, timeout=5)
    assert list(keyless.folder.iterdir()) == [], "what a Telegram of one's own was told is kept nowhere"


def test_sigterm_ends_it_with_0_and_nothing_is_left_running(up):
    screen, page = up()
    children = subprocess.run(["pgrep", "-P", str(screen.process.pid)], capture_output=True, text=True, check=True).stdout.split()
    assert len(children) == 2, "a market and a Telegram"
    os.kill(screen.process.pid, signal.SIGTERM)
    assert screen.end() == 0
    assert "Stopped." in screen.text
    assert subprocess.run(["ps", "-o", "pid=", "-p", ",".join(children)], capture_output=True, text=True, check=False).stdout.split() == []
    with pytest.raises(URLError):
        urlopen(page, timeout=5)


def test_a_stranger_on_the_page_is_told_his_id_and_the_terminal_has_the_line(up):
    screen, page = up()
    boris = TelegramOptions().people[1].id
    tell(page, "send", user_id=boris, chat_id=boris, text="/start")
    screen.until(f"a stranger was refused: user {boris}")
    assert str(boris) in said(page, str(boris))
    screen.type("\x03")
    assert screen.end() == 130


def test_who_may_use_it_can_be_named_for_the_local_telegram_too(up):
    boris = TelegramOptions().people[1].id
    screen, page = up(TELEGRAM_ALLOWED_USERS=str(boris))
    tell(page, "send", user_id=boris, chat_id=boris, text="/start")
    assert said(page, "Boris").startswith("Здравствуйте, Boris")
    screen.type("\x03")
    assert screen.end() == 130


def test_a_token_without_anybody_allowed_is_wrong_use_and_the_sentence_helps(keyless):
    done = keyless("bot", TELEGRAM_TOKEN=TOKEN)
    assert done.returncode == 2
    assert "TELEGRAM_ALLOWED_USERS is empty, so the bot would answer nobody: set it to your own id" in " ".join(done.stderr.split())
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"TELEGRAM_TOKEN": "nonsense"}, "TELEGRAM_TOKEN is no token"),
        ({"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_ALLOWED_USERS": "anna"}, "TELEGRAM_ALLOWED_USERS='anna' cannot be used"),
        ({"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_API_URL": "ftp://x"}, "TELEGRAM_API_URL must begin with http"),
        ({"BOTCORE_BOT_WATCHES": "0"}, "digest and watches at least 1"),
    ],
)
def test_settings_that_cannot_be_used_are_wrong_use(inside, settings, sentence):
    out, err, code = inside("bot", **settings)
    assert (out, code) == ("", 2)
    assert sentence in " ".join(err.split())


def test_a_taken_port_is_said(keyless, market):
    port = market["url"].rpartition(":")[2]
    done = keyless("bot", "--port", port)
    assert done.returncode == 1
    assert f"the local Telegram cannot listen on 127.0.0.1:{port}" in " ".join(done.stderr.split())


def loaded(folder: str, arguments: list[str], **settings: str) -> tuple[object, list[str]]:
    """How a command ends, and what heavy things it loaded."""
    code = f"""
import json, sys
from botcore.cli import main
try:
    main({arguments})
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(set({HEAVY}) & set(sys.modules))]), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean_environment(**settings), cwd=folder)
    ended, names = json.loads(done.stderr.splitlines()[-1])
    return ended, names


def test_help_of_the_bot_loads_nothing_of_it(tmp_path):
    assert loaded(tmp_path, ["bot", "--help"]) == (0, [])


def test_a_scan_does_not_pay_for_the_bot(door, tmp_path):
    assert loaded(tmp_path, ["scan", "rust", "boost", "--json"], **door.settings) == (0, [])


def test_settings_are_shown_without_the_bot(tmp_path):
    assert loaded(tmp_path, ["config"], TELEGRAM_TOKEN=TOKEN) == (0, [])
