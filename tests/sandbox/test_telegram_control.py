"""The server's own routes: chats, events, faults, the page, and who may talk to it."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from botcore.sandbox.telegram import events as events_module
from botcore.sandbox.telegram.events import EventLog
from botcore.sandbox.telegram.tally import Tally
from tests.sandbox.telegram import ANNA, BORIS, Clock, buttons, failure, meet


@pytest.fixture
async def line():
    async with meet(now=Clock()) as found:
        yield found


async def test_a_chat_shows_its_latest_messages_oldest_first(line):
    for number in range(210):
        await line.ok("sendMessage", chat_id=ANNA, text=f"m{number}")
    shown = await line.told(f"chats/{ANNA}")
    assert [message["text"] for message in shown["messages"]] == [f"m{number}" for number in range(10, 210)]
    assert (shown["chat_id"], shown["commands"], shown["last"]) == (ANNA, [], 211)
    for path, status in (("chats/77", 404), ("chats/x", 400), ("chats", 404), ("nothing", 404)):
        answer = await line.http.get(f"/sandbox/{path}")
        assert (answer.status_code, list(answer.json())) == (status, ["message"])
    assert (await line.http.put("/sandbox/people")).status_code == 405


async def test_everything_that_happens_is_an_event_with_its_fields(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a", reply_markup=buttons(("x",)))
    edited = await line.ok("editMessageText", chat_id=ANNA, message_id=sent["message_id"], text="b")
    await line.ok("deleteMessage", chat_id=ANNA, message_id=sent["message_id"])
    log = await line.told("log", after=1)
    assert log == {
        "events": [
            {"number": 2, "at": line.telegram.now(), "kind": "message", "chat_id": ANNA, "message": sent},
            {"number": 3, "at": line.telegram.now(), "kind": "edit", "chat_id": ANNA, "message": edited},
            {"number": 4, "at": line.telegram.now(), "kind": "delete", "chat_id": ANNA, "message_id": sent["message_id"]},
        ],
        "last": 4,
    }
    assert (await line.told("log", after=4))["events"] == []
    assert len((await line.told("log", after=99))["events"]) == 4  # a number from before a restart


def test_the_latest_ten_thousand_events_and_twenty_thousand_calls_are_kept():
    log, tally = EventLog(Clock()), Tally()
    for number in range(10_050):
        log.add("action", number)
    assert [len(log.since(0)), log.since(0)[0].number, log.since(10_049)[0].number, log.since(20)[0].number] == [10_000, 51, 10_050, 51]
    for number in range(20_010):
        tally.call(0.0, "getMe", number, 200, None)
    assert [len(tally.since(0)), tally.since(0)[0].number, tally.since(20_009)[0].number, tally.since(20_010)] == [20_000, 11, 20_010, []]


class Stream:
    """The lines of ``/sandbox/events`` as a browser reads them."""

    def __init__(self, answer):
        self._lines = answer.aiter_lines()

    async def next(self):
        """The next event, as (id, data)."""
        number = None
        async with asyncio.timeout(10):
            async for text in self._lines:
                name, _, value = text.partition(": ")
                if name == "id":
                    number = int(value)
                elif name == "data":
                    return number, json.loads(value)
        raise AssertionError("the stream ended")


@pytest.mark.parametrize(
    ("params", "headers", "old"),
    [({}, {}, []), ({"after": 2}, {}, ["b", "c"]), ({"after": 0}, {"Last-Event-ID": "3"}, ["c"]), ({"after": 4}, {}, [])],
)
async def test_events_stream_as_they_come_and_resume_where_the_reader_was(line, params, headers, old):
    for text in "abc":
        await line.say(text)
    async with line.http.stream("GET", "/sandbox/events", params=params, headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        stream = Stream(answer)
        assert [(await stream.next())[1]["message"]["text"] for _ in old] == old
        await line.say("d")
        number, event = await stream.next()
        assert (number, event["number"], event["message"]["text"]) == (5, 5, "d")


async def test_a_place_in_the_stream_that_is_no_number_is_refused(line):
    assert (await line.http.get("/sandbox/events", params={"after": "x"})).status_code == 400


async def test_a_quiet_stream_shows_that_it_lives(line, monkeypatch):
    monkeypatch.setattr("botcore.sandbox.telegram.stream._BEAT_SECONDS", 0.01)
    async with line.http.stream("GET", "/sandbox/events") as answer:
        lines = answer.aiter_lines()
        assert [await anext(lines) for _ in range(4)] == [": welcome", "", ": still here", ""]


async def test_the_log_lets_its_readers_go_when_it_closes():
    log = events_module.EventLog(Clock())
    waiting = asyncio.create_task(log.wait())
    await asyncio.sleep(0)
    log.close()
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(log.wait(), 5)


async def fail(line, **plan):
    await line.posted("fail", **plan)


async def test_planned_errors_come_as_often_as_asked_and_nothing_is_carried_out(line):
    await fail(line, method="sendMessage", times=2, status=429, retry_after=7)
    await fail(line, method="sendmessage", status=500)
    await fail(line, method="*", status=502)
    await fail(line, method="sendMessage", status=500, description="Internal Server Error: restart")
    await fail(line, method="sendMessage", status=403, description="Forbidden: user is deactivated")
    answers = [await line.call("sendMessage", chat_id=ANNA, text="a") for _ in range(6)]
    assert [failure(answer) for answer in answers] == [
        *[(429, "Too Many Requests: retry after 7")] * 2,
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (500, "Internal Server Error: restart"),
        (403, "Forbidden: user is deactivated"),
    ]
    assert (answers[0].headers["retry-after"], answers[0].json()["parameters"]) == ("7", {"retry_after": 7})
    assert len(line.telegram.rooms[ANNA].messages) == 1
    assert (await line.told("served"))["refused"] == 0
    await line.ok("sendMessage", chat_id=ANNA, text="a")


async def test_other_methods_are_spared_and_plans_can_be_cleared(line):
    await fail(line, method="sendMessage", times=5, status=503)
    await line.ok("getMe")
    assert (await line.refused("sendMessage", chat_id=ANNA, text="a"))[0] == 503
    await line.posted("fail/clear")
    await line.ok("sendMessage", chat_id=ANNA, text="a")


async def test_an_html_page_of_a_proxy(line):
    await fail(line, method="*", html=502)
    answer = await line.call("getMe")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (502, "text/html")
    assert "<h1>502 Bad Gateway</h1>" in answer.text


@pytest.mark.parametrize(("when", "done"), [("before", 0), ("after", 1)])
async def test_a_cut_connection_before_or_after_the_deed(line, when, done):
    await fail(line, method="sendMessage", drop=when)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await line.call("sendMessage", chat_id=ANNA, text="a")
    assert len(line.telegram.rooms[ANNA].messages) == 1 + done
    (call,) = (await line.told("calls"))["calls"]
    assert (call["method"], call["status"], call["message_id"]) == ("sendMessage", 0, 2 if done else None)
    await line.ok("sendMessage", chat_id=ANNA, text="a")


async def test_a_delay_holds_one_call_and_no_other(line):
    await fail(line, method="sendMessage", delay=0.1)
    await fail(line, method="sendMessage", delay=30)
    answer = await line.call("sendMessage", chat_id=ANNA, text="late")
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.1) == (200, True)
    slow = asyncio.create_task(line.call("sendMessage", chat_id=ANNA, text="later"))
    assert ((await line.call("getMe")).status_code, slow.done()) == (200, False)
    slow.cancel()


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"status": 500, "html": 502},
        {"status": 200},
        {"html": 700},
        {"drop": "sometimes"},
        {"status": 500, "times": 0},
        {"delay": -1},
        {"status": 429, "retry_after": 0},
        {"status": 500, "colour": "red"},
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(line, plan):
    answer = await line.http.post("/sandbox/fail", json=plan)
    assert (answer.status_code, list(answer.json())) == (400, ["message"])
    await line.ok("getMe")


async def test_the_page_and_its_files_are_served_for_itself_alone(line):
    page = await line.http.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css")):
        answer = await line.http.get(f"/page/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
    for name in ("nothing.js", "..%2F__init__.py", "..%2f..%2f..%2fREADME.md", "__init__.py", "%2e%2e", "a"):
        assert (await line.http.get(f"/page/{name}")).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""])
@pytest.mark.parametrize("path", ["/", "/sandbox/people", "{base}/getMe"])
async def test_a_foreign_host_is_refused(line, host, path):
    headers = {"Host": host.format(port=line.http.base_url.port)}
    answer = await line.http.get(path.format(base=line.base), headers=headers)
    assert (answer.status_code, list(answer.json())) == (403, ["message"])


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST"])
async def test_both_names_of_this_machine_are_taken(line, name):
    origin = f"http://{name}:{line.http.base_url.port}".lower()
    headers = {"Host": origin.removeprefix("http://"), "Origin": origin, "Sec-Fetch-Site": "same-origin"}
    answer = await line.http.post("/sandbox/send", json={"user_id": BORIS, "chat_id": BORIS, "text": "a"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_web_page_from_elsewhere_is_refused(line, headers):
    sent = {name: value.format(port=line.http.base_url.port) for name, value in headers.items()}
    body = {"user_id": BORIS, "chat_id": BORIS, "text": "a"}
    for answer in (
        await line.http.post("/sandbox/send", json=body, headers=sent),
        await line.http.post(f"{line.base}/sendMessage", data={"chat_id": ANNA, "text": "a"}, headers=sent),
        await line.http.get("/sandbox/log", headers=sent),
    ):
        assert (answer.status_code, list(answer.json())) == (403, ["message"])
    assert len(line.telegram.rooms[ANNA].messages) == 1
    assert not line.telegram.rooms[BORIS].messages


async def test_the_page_may_be_opened_by_a_link_from_anywhere(line):
    assert (await line.http.get("/", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 200
