"""Photos and documents: uploaded, measured, sent again, downloaded, refused."""

from __future__ import annotations

import pytest

from botcore.sandbox.telegram.files import picture_size
from tests.sandbox.telegram import ANNA, Clock, failure, jpeg, meet, png

PICTURE = ("a.png", png())
MEGABYTE = 1024 * 1024


@pytest.fixture
async def line():
    async with meet(now=Clock()) as found:
        yield found


async def sent(line, kind="photo", upload=PICTURE, **fields):
    files = {"part": upload} if upload else {}
    data = {"chat_id": ANNA, **({kind: "attach://part"} if upload else {}), **fields}
    return await line.http.post(f"{line.base}/send{kind.title()}", data=data, files=files)


async def test_a_photo_is_measured_and_comes_back_with_its_caption(line):
    answer = await sent(line, caption="<b>chart</b>", parse_mode="HTML", has_spoiler="true", show_caption_above_media="True")
    message = answer.json()["result"]
    (photo,) = message["photo"]
    assert (photo["width"], photo["height"], photo["file_size"]) == (800, 400, len(png()))
    assert (message["caption"], message["caption_entities"]) == ("chart", [{"type": "bold", "offset": 0, "length": 5}])
    assert (message["has_media_spoiler"], message["show_caption_above_media"]) == (True, True)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (png(1, 20), (1, 20)),
        (jpeg(640, 360), (640, 360)),
        (b"\xff\xd8\xff\xd0" + jpeg(3, 4)[2:], (3, 4)),
        (jpeg()[:25], None),
        (b"\xff\xd8\xff\xda\x00\x08" + bytes(20), None),
        (b"\xff\xd8" + bytes(20), None),
        (png()[:20], None),
        (b"GIF89a" + bytes(20), None),
        (b"", None),
    ],
)
def test_size_is_read_from_the_picture_s_own_header(data, size):
    assert picture_size(data) == size


async def test_a_file_can_be_downloaded_and_sent_again_by_its_id(line):
    content = b"a,b\n1,2\n"
    message = (await sent(line, "document", ("report ★.csv", content))).json()["result"]
    document = message["document"]
    assert (document["file_name"], document["mime_type"], document["file_size"]) == ("report ★.csv", "text/csv", 8)
    found = await line.ok("getFile", file_id=document["file_id"])
    assert found == {"file_id": document["file_id"], "file_unique_id": document["file_unique_id"], "file_size": 8, "file_path": "documents/file_0.csv"}
    assert (await line.http.get(f"/file{line.base}/{found['file_path']}")).content == content
    again = await line.ok("sendDocument", chat_id=ANNA, document=document["file_id"])
    assert again["document"] == document


async def test_a_photo_may_be_the_part_of_its_own_name(line):
    answer = await line.http.post(f"{line.base}/sendPhoto", data={"chat_id": ANNA}, files={"photo": ("a.jpg", jpeg())})
    (photo,) = answer.json()["result"]["photo"]
    assert (photo["width"], photo["height"]) == (640, 360)
    assert (await line.ok("getFile", file_id=photo["file_id"]))["file_path"] == "photos/file_0.jpg"


@pytest.mark.parametrize(
    ("upload", "fields", "reason"),
    [
        (None, {}, "there is no photo in the request"),
        (None, {"photo": "attach://missing"}, "there is no photo in the request"),
        (("a.png", png()), {"photo": "attach://missing"}, "there is no photo in the request"),
        (None, {"photo": "AgACunknown"}, "wrong file identifier/HTTP URL specified"),
        (None, {"photo": "https://example.org/a.png"}, "failed to get HTTP URL content"),
        (("a.png", b""), {}, "file must be non-empty"),
        (("a.png", b"no picture"), {}, "IMAGE_PROCESS_FAILED"),
        (("a.png", png(0, 5)), {}, "IMAGE_PROCESS_FAILED"),
        (("a.png", png(5001, 5000)), {}, "PHOTO_INVALID_DIMENSIONS"),
        (("a.png", png(2100, 100)), {}, "PHOTO_INVALID_DIMENSIONS"),
        (("a.png", png(100, 2001)), {}, "PHOTO_INVALID_DIMENSIONS"),
        (("a.png", png(size=10 * MEGABYTE + 1)), {}, "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"),
        (("a.png", png()), {"caption": "a" * 1025}, "message caption is too long"),
        (("a.png", png()), {"caption": "<b>a", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag corresponding to start tag \"b\""),
        (("a.png", png()), {"chat_id": 77}, "chat not found"),
    ],
)
async def test_a_photo_that_is_refused(line, upload, fields, reason):
    assert failure(await sent(line, "photo", upload, **fields)) == (400, f"Bad Request: {reason}")
    assert len(line.telegram.rooms[ANNA].messages) == 1


async def test_a_photo_at_every_limit_passes(line):
    for data in (png(5000, 5000, 10 * MEGABYTE), png(2000, 100)):
        assert (await sent(line, "photo", ("a.png", data), caption="<i>" + "a" * 1024 + "</i>", parse_mode="HTML")).status_code == 200


async def test_a_document_is_no_photo_and_missing_ones_are_said(line):
    document = (await sent(line, "document", ("a", b"x"))).json()["result"]["document"]
    assert document["mime_type"] == "application/octet-stream"
    assert await line.refused("sendPhoto", chat_id=ANNA, photo=document["file_id"]) == (400, "Bad Request: can't use file of type Document as Photo")
    assert failure(await sent(line, "document", None)) == (400, "Bad Request: there is no document in the request")
    assert await line.refused("getFile", file_id="x") == (400, "Bad Request: wrong file_id or the file is temporarily unavailable")


async def test_only_files_up_to_20_megabytes_can_be_downloaded(line):
    small = (await sent(line, "document", ("a.bin", bytes(20 * MEGABYTE)))).json()["result"]["document"]
    large = (await sent(line, "document", ("a.bin", bytes(20 * MEGABYTE + 1)))).json()["result"]["document"]
    assert (await line.ok("getFile", file_id=small["file_id"]))["file_size"] == 20 * MEGABYTE
    assert await line.refused("getFile", file_id=large["file_id"]) == (400, "Bad Request: file is too big")


async def test_the_page_sees_pictures_and_can_only_save_the_rest(line):
    photo = (await sent(line)).json()["result"]["photo"][0]
    document = (await sent(line, "document", ("evil.html", b"<script>"))).json()["result"]["document"]
    shown = await line.http.get(f"/sandbox/files/{photo['file_id']}")
    assert (shown.content, shown.headers["content-type"]) == (png(), "image/png")
    assert "content-disposition" not in shown.headers
    saved = await line.http.get(f"/sandbox/files/{document['file_id']}")
    assert (saved.content, saved.headers["content-disposition"], saved.headers["x-content-type-options"]) == (b"<script>", "attachment", "nosniff")
    assert (await line.http.get("/sandbox/files/nothing")).status_code == 404
