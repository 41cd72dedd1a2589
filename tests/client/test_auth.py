"""Keys, signatures and the market's clock."""

from __future__ import annotations

import pickle
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.client.auth import KeyPair, MarketClock, SignedAuth, http_date, string_to_sign
from botcore.errors import ConfigError
from tests.vectors import NEGATIVE, POSITIVE, PUBLIC, SECRET, SEED, SIGN_DATE, Vector

KEYS = KeyPair.parse(PUBLIC, SECRET)


def by_name(vector: Vector) -> str:
    return vector.name


@pytest.mark.parametrize("vector", POSITIVE, ids=by_name)
def test_every_vector_comes_out_digit_for_digit(vector):
    """What goes out is what is signed."""
    url = httpx.URL("https://market.test" + vector.target)
    assert url.raw_path == vector.target.encode()
    assert KEYS.sign(string_to_sign(vector.method, url.raw_path, vector.body.encode(), str(SIGN_DATE))) == vector.signature


@pytest.mark.parametrize("vector", NEGATIVE, ids=by_name)
def test_no_wrong_vector_comes_out(vector):
    """The three mistakes of old documentation give other signatures."""
    assert KEYS.sign(string_to_sign(vector.method, vector.target.encode(), vector.body.encode(), str(SIGN_DATE))) != vector.signature


@pytest.mark.parametrize("public", [PUBLIC, PUBLIC.upper(), f" {PUBLIC}\n"])
@pytest.mark.parametrize("secret", [SECRET, SEED, SECRET.upper(), SEED.upper(), f"{SECRET} "])
def test_every_spelling_of_a_pair_is_the_same_pair(public, secret):
    """Bare seed or whole secret, upper or lower case."""
    pair = KeyPair.parse(public, secret)
    assert (pair.public_hex, pair.sign(b"x")) == (PUBLIC, KEYS.sign(b"x"))


@pytest.mark.parametrize(
    ("public", "secret", "complaint"),
    [
        ("", SECRET, "the public key has 0 characters"),
        (PUBLIC[:-1], SECRET, "the public key has 63 characters: it should have 64 hex digits"),
        (PUBLIC[:-1] + "g", SECRET, "the public key holds characters that are no hex digits"),
        (PUBLIC, SECRET[:-2], "the secret key has 126 characters: it should have 64 or 128 hex digits"),
        (PUBLIC, "z" + SECRET[1:], "the secret key holds characters that are no hex digits"),
        (PUBLIC, SEED + "00" * 32, "its second half is not the public key of its first half"),
        ("00" * 32, SECRET, "the secret key does not belong to the public key 00000000"),
        (PUBLIC, "ff" * 32, "the secret key does not belong to the public key 03a107bf"),
        (SECRET, PUBLIC, "they seem to be swapped"),
    ],
)
def test_a_pair_that_does_not_fit_is_refused_with_the_part_that_does_not(public, secret, complaint):
    """The message names the part and never repeats the secret."""
    with pytest.raises(ConfigError, match=complaint) as caught:
        KeyPair.parse(public, secret)
    assert not secret or secret[:16] not in str(caught.value)


def test_the_secret_shows_nowhere():
    """Neither in a text of the pair nor in a stored copy."""
    assert SEED not in repr(KEYS)
    assert repr(KEYS) == "KeyPair(03a107bf...)"
    with pytest.raises(TypeError, match="not to be stored"):
        pickle.dumps(KEYS)


@given(st.text(max_size=200), st.text(max_size=200))
def test_nonsense_keys_are_refused_in_our_words(public, secret):
    """Whatever is pasted, the error is a ConfigError."""
    with pytest.raises(ConfigError):
        KeyPair.parse(public, secret)


class SettableClock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_signing_happens_when_the_request_is_sent():
    """A request that waited carries the time of its sending, and a second sending another."""
    clock = SettableClock(SIGN_DATE - 500)
    dates = []

    def handle(request: httpx.Request) -> httpx.Response:
        dates.append((request.headers["x-sign-date"], request.headers["x-request-sign"]))
        return httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(handle)) as http:
        auth = SignedAuth(KEYS, MarketClock(clock))
        request = http.build_request("GET", "https://market.test/account/v1/balance")
        clock.now = SIGN_DATE + 0.9
        http.send(request, auth=auth)
        clock.now += 1
        http.send(request, auth=auth)
    assert dates[0] == (str(SIGN_DATE), f"dmar ed25519 {POSITIVE[0].signature}")
    assert dates[1][0] == str(SIGN_DATE + 1)
    assert dates[1][1] != dates[0][1]


@pytest.mark.parametrize("status", [200, 401])
def test_the_market_s_time_is_learned_from_answers(status):
    """An hour of difference is known after one answer, to the second."""
    clock = MarketClock(SettableClock(SIGN_DATE))
    ask(clock, status, SIGN_DATE + 3600)
    assert clock.now() == pytest.approx(SIGN_DATE + 3600, abs=1)


@pytest.mark.parametrize("status", [403, 502])
def test_error_pages_teach_no_time(status):
    """They may come from a cache on the way."""
    clock = MarketClock(SettableClock(SIGN_DATE))
    ask(clock, status, SIGN_DATE + 3600)
    assert clock.skew == 0


def ask(clock: MarketClock, status: int, date: float) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"Date": httpx_date(date)}, request=request)

    with httpx.Client(transport=httpx.MockTransport(handle)) as http:
        http.get("https://market.test/", auth=SignedAuth(KEYS, clock))


def httpx_date(at: float) -> str:
    return formatdate(at, usegmt=True)


def test_a_slow_answer_teaches_nothing_false():
    """The market's time may have been any moment between sending and receiving."""
    settable = SettableClock(SIGN_DATE + 30.0)
    clock = MarketClock(settable)
    for told in (SIGN_DATE, SIGN_DATE + 15, SIGN_DATE + 30):
        clock.learn(httpx_date(told), sent_at=SIGN_DATE)
        assert clock.skew == 0


@given(st.floats(-1e6, 1e6), st.floats(0, 20), st.floats(0, 1))
def test_the_learned_time_is_right_within_the_answer_s_delay(skew, delay, share):
    """Whatever the skew and the delay, we end no farther off than the delay and a few seconds allow."""
    local = SettableClock(SIGN_DATE + delay)
    clock = MarketClock(local)
    clock.learn(httpx_date(int(SIGN_DATE + share * delay + skew)), sent_at=SIGN_DATE)
    assert abs(clock.skew - skew) <= delay + 4


@pytest.mark.parametrize("text", [None, "", "soon", "Mon, 99 Nov 2026 20:00:00 GMT", "Mon, 23 Nov 99999 20:00:00 GMT"])
def test_a_date_that_is_none_is_none(text):
    """And teaches nothing."""
    clock = MarketClock(SettableClock(SIGN_DATE))
    clock.learn(text, SIGN_DATE)
    assert http_date(text) is None
    assert clock.skew == 0
    assert repr(clock) == "<MarketClock skew=+0.0 s>"
