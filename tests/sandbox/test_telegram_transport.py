"""How calls arrive and answers leave: verbs, encodings, tokens, envelopes."""

from __future__ import annotations

import json

import httpx
import msgspec
import pytest

from tests.sandbox.telegram import ANNA, CALM, failure, meet, png


@pytest.fixture
async def line():
    async with meet() as found:
        yield found


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("method", ["getMe", "getme", "GETME", "test/getMe"])
async def test_a_method_is_found_in_any_case_by_get_and_by_post(line, verb, method):
    answer = await line.http.request(verb, f"{line.base}/{method}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["result"]["username"] == "sandbox_dm_bot"
    assert (await line.told("served"))["calls"] == {"getMe": 1}


async def test_query_form_json_and_multipart_are_the_same(line):
    url, markup = f"{line.base}/sendMessage", json.dumps({"inline_keyboard": [[{"text": "a", "callback_data": "b"}]]})
    fields = {"chat_id": str(ANNA), "text": "Ж & ★", "reply_markup": markup}
    nested = {"chat_id": ANNA, "text": "Ж & ★", "reply_markup": json.loads(markup)}
    answers = [
        await line.http.get(url, params=fields),
        await line.http.post(url, data=fields),
        await line.http.post(url, json=fields),
        await line.http.post(url, json=nested),
        await line.http.post(url, files={name: (None, value) for name, value in fields.items()}),
        await line.http.post(url, params={"chat_id": "7"}, data=fields),
    ]
    results = [answer.json()["result"] for answer in answers]
    assert {result["text"] for result in results} == {"Ж & ★"}
    assert [result["reply_markup"] for result in results] == [nested["reply_markup"]] * 6


async def test_unknown_parameters_and_null_mean_nothing(line):
    message = await line.ok("sendMessage", chat_id=ANNA, text="a", colour="red", parse_mode=None)
    assert set(message) == {"message_id", "date", "chat", "from", "text"}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("0123:SECRET", (401, "Unauthorized: invalid token specified")),
        ("7000000001", (401, "Unauthorized: invalid token specified")),
        ("7:" + "x" * 79, (401, "Unauthorized: invalid token specified")),
        ("", (401, "Unauthorized: invalid token specified")),
        ("7/8:SECRET", (401, "Unauthorized: invalid token specified")),
        ("seven:SECRET", (421, "Misdirected Request: unallowed token specified")),
        ("7000000001:ANOTHER", (401, "Unauthorized")),
        ("7000000002:SANDBOXTOKENSANDBOXTOKENSANDBOXTOKE", (401, "Unauthorized")),
    ],
)
async def test_a_wrong_token_is_refused_as_the_real_server_does(line, token, expected):
    assert failure(await line.http.post(f"/bot{token}/getMe")) == expected
    assert failure(await line.http.get(f"/file/bot{token}/photos/file_0.jpg")) == expected
    assert (await line.told("calls"))["calls"] == []


async def test_the_colon_of_the_token_may_be_escaped(line):
    assert (await line.http.get(f"{line.base.replace(':', '%3A')}/getMe")).status_code == 200


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("{base}/makeCoffee", (404, "Not Found: method not found")),
        ("{base}/", (404, "Not Found")),
        ("{base}", (404, "Not Found")),
        ("{base}/getMe/x", (404, "Not Found")),
        ("/nowhere", (404, "Not Found")),
        ("/file{base}/photos/file_7.jpg", (404, "Not Found")),
    ],
)
async def test_any_other_path_is_not_found(line, path, expected):
    assert failure(await line.http.post(path.format(base=line.base))) == expected


async def test_other_verbs_are_refused(line):
    assert failure(await line.http.put(f"{line.base}/getMe")) == (405, "Method Not Allowed: closing")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("application/x-www-form-urlencoded", b"chat_id=1001&text=%FF", (400, "Bad Request: strings must be encoded in UTF-8")),
        ("application/json", b'{"chat_id": 1001', (400, "Bad Request: can't read the request")),
        ("application/json", b"[1]", (400, "Bad Request: can't read the request")),
        ("application/json", b'{"text": "\\ud83d"}', (400, "Bad Request: can't read the request")),
        ("multipart/form-data", b"x", (400, "Bad Request: can't read the request")),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--b--', (400, "Bad Request: strings must be")),
        ("text/plain", b"chat_id=1001", (415, "Unsupported Media Type")),
    ],
)
async def test_a_body_that_cannot_be_read_is_said(line, kind, body, expected):
    status, description = failure(await line.http.post(f"{line.base}/sendMessage", content=body, headers={"Content-Type": kind}))
    assert status == expected[0]
    assert description.startswith(expected[1])


@pytest.mark.parametrize("field", ["reply_markup", "reply_parameters", "entities", "link_preview_options"])
@pytest.mark.parametrize("value", ["{", "7", '"x"', "[7]", "[[7]]", '{"inline_keyboard": 7}', '{"message_id": {}}', '{"chat_id": []}', '{"quote": 5}'])
async def test_nested_values_of_any_shape_never_break_the_server(line, field, value):
    form = {"chat_id": str(ANNA), "text": "http://a.b", field: value}
    answer = await line.http.post(f"{line.base}/sendMessage", data=form)
    assert answer.status_code in (200, 400)
    assert answer.json()["ok"] == (answer.status_code == 200)


@pytest.mark.parametrize("size", [50 * 1024 * 1024 + 1, 60 * 1024 * 1024])
async def test_an_upload_of_more_than_50_megabytes_is_too_large(line, size):
    files = {"document": ("big.bin", bytes(size))}
    assert failure(await line.http.post(f"{line.base}/sendDocument", data={"chat_id": ANNA}, files=files)) == (413, "Request Entity Too Large")


async def test_latency_comes_before_every_answer_of_the_bot_api_and_no_other():
    async with meet(msgspec.structs.replace(CALM, latency=0.1)) as line:
        for path in ("getMe", "nothing"):
            assert (await line.http.get(f"{line.base}/{path}")).elapsed.total_seconds() >= 0.1
    async with meet(msgspec.structs.replace(CALM, latency=60)) as line:
        for path in ("/", "/sandbox/served"):
            assert (await line.http.get(path)).status_code == 200


async def test_a_call_is_logged_with_chat_status_and_message(line):
    sent = await line.ok("sendMessage", chat_id=ANNA, text="a")
    await line.refused("sendmessage", chat_id=ANNA, text="")
    await line.refused("SENDMESSAGE", chat_id=77, text="a")
    await line.http.post(f"{line.base}/sendPhoto", data={"chat_id": ANNA}, files={"photo": ("a.png", png())})
    calls = (await line.told("calls"))["calls"]
    assert [(one["number"], one["method"], one["chat_id"], one["status"], one["message_id"]) for one in calls] == [
        (1, "sendMessage", ANNA, 200, sent["message_id"]),
        (2, "sendMessage", ANNA, 400, None),
        (3, "sendMessage", 77, 400, None),
        (4, "sendPhoto", ANNA, 200, sent["message_id"] + 1),
    ]
    later = await line.told("calls", after=3)
    assert ([one["number"] for one in later["calls"]], later["last"]) == ([4], 4)


async def test_a_reader_who_hangs_up_leaves_the_poll_free_for_the_next(line):
    with pytest.raises(httpx.ReadTimeout):
        await line.http.post(f"{line.base}/getUpdates", json={"timeout": 50}, timeout=0.05)
    await line.say("hello")
    assert [update["message"]["text"] for update in await line.ok("getUpdates", offset=1)] == ["hello"]
