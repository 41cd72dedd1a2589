"""``botcore sandbox``, started and ended as a person would."""

from __future__ import annotations

import re
from urllib.request import urlopen

SMALL = ["--port", "0", "--size", "200", "--latency", "0"]


def test_it_prints_variables_that_make_a_scan_work_and_ends_with_ctrl_c(keyless):
    screen = keyless.terminal("sandbox", *SMALL, columns=60)
    screen.until("Ctrl-C ends it")
    variables = dict(re.findall(r"export (\w+)=(\S+)", screen.text))
    assert set(variables) == {"DMARKET_URL", "DMARKET_PUBLIC_KEY", "DMARKET_SECRET_KEY"}
    done = keyless("scan", "rust", "boost", **variables)
    assert done.returncode == 0
    for address in re.findall(r"http://\S+/sandbox/\S+", screen.text):
        with urlopen(address) as answer:
            assert answer.status == 200
    screen.type("\x03")
    assert screen.end() == 0


def test_over_tls_it_prints_the_certificate_too(keyless):
    screen = keyless.terminal("sandbox", *SMALL, "--tls")
    screen.until("Ctrl-C ends it")
    variables = dict(re.findall(r"export (\w+)=(\S+)", screen.text))
    assert variables["DMARKET_URL"].startswith("https://")
    done = keyless("scan", "rust", "boost", **variables)
    assert done.returncode == 0, done.stderr
    screen.type("\x03")
    assert screen.end() == 0


def test_a_taken_port_is_said(keyless, market):
    port = market["url"].rpartition(":")[2]
    done = keyless("sandbox", "--port", port, "--size", "0")
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_a_file_that_is_no_price_list_is_said(keyless):
    (keyless.folder / "prices.json").write_text("{")
    done = keyless("sandbox", "--prices", "prices.json", *SMALL)
    assert done.returncode == 1
    assert "prices.json is no price list" in done.stderr
