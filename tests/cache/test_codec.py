"""What is kept comes back equal; what is foreign is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.cache.codec import Codec
from botcore.cache.policy import CacheOptions, Subject, policies
from botcore.fees import FeeBook, ReducedFee
from botcore.model import Exit, Failure, Funnel, Game, Level, Opportunity, Quote, RequestCounts, Sale, ScanReport, Target

CODECS = {subject: Codec(one.shape) for subject, one in policies(CacheOptions()).items()}
cents = st.integers(0, 10**7)
count = st.integers(0, 10**6)
text = st.text(max_size=20)
part = st.fractions(0, 1, max_denominator=10_000)
seconds = st.floats(0, 1e6, allow_nan=False)
moment = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone
reduced = st.builds(ReducedFee, part, cents, cents, count)
opportunity = st.builds(
    Opportunity,
    offer_id=text,
    asset_id=text,
    title=text,
    phase=text,
    game=st.sampled_from(Game),
    price_cents=cents,
    exit=st.sampled_from(Exit),
    exit_price_cents=cents,
    fee_cents=cents,
    profit_cents=cents,
    profit_percent=seconds,
    trade_lock_days=count,
    listed_at=moment,
    sales_30d=count,
    median_cents=st.none() | cents,
    next_ask_cents=st.none() | cents,
    days_to_sell=st.none() | seconds,
    url=text,
)
report = st.builds(
    ScanReport,
    market=text,
    game=st.sampled_from(Game),
    level=st.sampled_from(Level),
    started_at=moment,
    seconds=seconds,
    funnel=st.builds(Funnel, count, count, count, count, st.dictionaries(text, count, max_size=3)),
    requests=st.builds(RequestCounts, count, count, count, count),
    stages=st.dictionaries(text, count, max_size=3),
    first_find_seconds=st.none() | seconds,
    stopped=st.none() | text,
    cache=st.dictionaries(text, count, max_size=3),
    failures=st.lists(st.builds(Failure, text, text, count), max_size=3),
    opportunities=st.lists(opportunity, max_size=3),
)
ANSWERS = {
    Subject.FEES: st.builds(FeeBook, st.sampled_from(Game), part, count, st.dictionaries(text, st.lists(reduced, max_size=3).map(tuple), max_size=3)),
    Subject.QUOTES: st.none() | st.builds(Quote, text, cents, count, cents, count),
    Subject.TARGETS: st.lists(st.builds(Target, cents, count, text, text, text), max_size=5),
    Subject.SALES: st.lists(st.builds(Sale, cents, count, text, st.booleans()), max_size=5),
    Subject.SCANS: report,
}


@pytest.mark.parametrize("subject", Subject)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_answer_comes_back_equal(subject, data):
    answer = data.draw(ANSWERS[subject])
    codec = CODECS[subject]
    assert codec.decode(codec.encode(answer)) == answer


@pytest.mark.parametrize("subject", Subject)
@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=40))
def test_any_bytes_are_an_answer_or_refused(subject, data):
    """With an error that the cache takes for a miss, and no other."""
    try:
        CODECS[subject].decode(data)
    except (msgspec.MsgspecError, ValueError):
        return


@pytest.mark.parametrize("fraction", ["1/0", "x", "", "1/2/3"])
def test_a_fraction_that_is_none_is_refused(fraction):
    fees = msgspec.msgpack.encode({"game": "csgo", "default": fraction, "minimum_cents": 1, "reduced": {}})
    with pytest.raises((msgspec.MsgspecError, ValueError)):
        CODECS[Subject.FEES].decode(fees)


def test_what_the_model_does_not_know_is_not_kept():
    with pytest.raises(NotImplementedError, match="object is not kept"):
        CODECS[Subject.FEES].encode(object())
    with pytest.raises(NotImplementedError, match="complex is not kept"):
        Codec(complex).decode(msgspec.msgpack.encode("1"))
    assert CODECS[Subject.FEES].encode(Fraction(1, 3)) == msgspec.msgpack.encode("1/3")
