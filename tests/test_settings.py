"""Settings: the environment before ``.env``, mistakes named with their variable, secrets shown nowhere."""

from __future__ import annotations

import msgspec
import pytest

from botcore.cache import CacheOptions
from botcore.client import PoolOptions, Priority, QuotaOptions, RetryOptions
from botcore.errors import ConfigError
from botcore.sandbox.signature import make_keys
from botcore.scan import ScanOptions, WatchOptions
from botcore.settings import DMARKET, OTHERS, BotOptions, load, names
from botcore.store import StoreOptions
from botcore.tuned import LEARNED

PUBLIC, SECRET = make_keys(1)
KEYS = {"DMARKET_PUBLIC_KEY": PUBLIC, "DMARKET_SECRET_KEY": SECRET}


@pytest.fixture
def dotenv(tmp_path):
    return tmp_path / ".env"


def shown(settings):
    return {setting.name: (setting.value, setting.source) for setting in settings.shown}


def test_without_anything_all_is_default_and_there_are_no_keys(dotenv):
    settings = load({}, dotenv)
    assert (settings.url, settings.keys) == (DMARKET, None)
    assert (settings.pool, settings.quota, settings.retry, settings.scan) == (PoolOptions(), QuotaOptions(), RetryOptions(), ScanOptions())
    assert {setting.source for setting in settings.shown} == {"default"}
    assert [setting.name for setting in settings.shown] == [*names(), *LEARNED]


def test_the_environment_goes_before_the_file(dotenv):
    dotenv.write_text("BOTCORE_QUOTA_MARKET=3\nBOTCORE_QUOTA_SALES=2\nDMARKET_URL=https://from.file\n")
    settings = load({"BOTCORE_QUOTA_MARKET": "4", "DMARKET_URL": "http://from.environment/"}, dotenv)
    assert (settings.quota.market, settings.quota.sales, settings.url) == (4, 2, "http://from.environment")
    told = shown(settings)
    assert told["BOTCORE_QUOTA_MARKET"] == ("4", "environment")
    assert told["BOTCORE_QUOTA_SALES"] == ("2", ".env")
    assert told["BOTCORE_QUOTA_FEE"] == ("110", "default")


def test_every_field_of_every_option_class_has_a_variable_that_is_used(dotenv):
    values = {
        "BOTCORE_POOL_TRANSPORT": "http1",
        "BOTCORE_POOL_READ": "1.5",
        "BOTCORE_QUOTA_WINDOW": "2",
        "BOTCORE_RETRY_ATTEMPTS": "7",
        "BOTCORE_SCAN_BATCH_SIZE": "20",
        "BOTCORE_SCAN_BANDS": "auto",
        "BOTCORE_SCAN_CONCURRENCY": "5",
        "BOTCORE_SCAN_DEADLINE": "12.5",
    }
    settings = load(values, dotenv)
    assert (settings.pool.transport, settings.pool.read, settings.quota.window, settings.retry.attempts) == ("http1", 1.5, 2.0, 7)
    assert settings.scan == ScanOptions(batch_size=20, concurrency=5, deadline=12.5)
    fields = {part: {f"BOTCORE_{part}_{name.upper()}" for name in options.__struct_fields__} for part, options in PARTS.items()}
    assert set(names()) == set().union(*fields.values()) - {"BOTCORE_STORE_URL"} | {
        "DMARKET_URL",
        "REDIS_URL",
        "DATABASE_URL",
        "BOTCORE_TUNED",
        *KEYS,
        *TELEGRAM,
    }


PARTS = {
    "POOL": PoolOptions,
    "QUOTA": QuotaOptions,
    "RETRY": RetryOptions,
    "SCAN": ScanOptions,
    "WATCH": WatchOptions,
    "CACHE": CacheOptions,
    "STORE": StoreOptions,
    "BOT": BotOptions,
}
TELEGRAM = {"TELEGRAM_TOKEN", "TELEGRAM_API_URL", "TELEGRAM_ALLOWED_USERS"}
TOKEN = "123456789:AAbb-CC_dd"


def test_telegram_needs_nothing_but_a_token_and_who_may(dotenv):
    settings = load({"TELEGRAM_TOKEN": TOKEN, "TELEGRAM_ALLOWED_USERS": "7, 8,-100123 7"}, dotenv)
    assert (settings.telegram.token, settings.telegram.url, settings.telegram.allowed) == (TOKEN, "https://api.telegram.org", (7, 8, -100123))
    assert load({}, dotenv).telegram.allowed == ()


def test_neither_token_nor_webhook_secret_is_ever_shown(dotenv):
    secret = "a-secret-that-nobody-guesses"
    hook = {"BOTCORE_BOT_WEBHOOK_URL": "https://example.org/hook", "BOTCORE_BOT_WEBHOOK_SECRET": secret}
    settings = load({"TELEGRAM_TOKEN": TOKEN, **hook}, dotenv)
    told = shown(settings)
    assert told["TELEGRAM_TOKEN"] == told["BOTCORE_BOT_WEBHOOK_SECRET"] == ("set, not shown", "environment")
    assert TOKEN not in repr(settings)
    assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"TELEGRAM_TOKEN": "123456789"}, "TELEGRAM_TOKEN is no token"),
        ({"TELEGRAM_TOKEN": f"{TOKEN} x"}, "TELEGRAM_TOKEN is no token"),
        ({"TELEGRAM_API_URL": "api.telegram.org"}, "must begin with http"),
        ({"TELEGRAM_ALLOWED_USERS": "@anna"}, "give ids of people and groups"),
        ({"BOTCORE_BOT_EDIT": "0"}, "above 0"),
        ({"BOTCORE_BOT_WEBHOOK_URL": "https://example.org/hook"}, "webhook_secret"),
        ({"BOTCORE_BOT_WEBHOOK_URL": "http://example.org/hook", "BOTCORE_BOT_WEBHOOK_SECRET": "a-secret-that-nobody-guesses"}, "https://"),
    ],
)
def test_what_telegram_could_not_use_is_refused_and_the_token_not_repeated(dotenv, values, said):
    with pytest.raises(ConfigError, match=said) as refused:
        load(values, dotenv)
    assert "123456789" not in str(refused.value).replace("123456789:AAbbCC", "")


@pytest.mark.parametrize("value", ["1", "watch", "WATCH"])
def test_a_priority_can_be_given_by_number_or_by_the_name_that_is_shown(dotenv, value):
    settings = load({"BOTCORE_SCAN_PRIORITY": value}, dotenv)
    assert settings.scan.priority is Priority.WATCH
    assert shown(settings)["BOTCORE_SCAN_PRIORITY"] == ("watch", "environment")


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("BOTCORE_QUOTA_MARKETS", "BOTCORE_QUOTA_MARKET"), ("BOTCORE_SCAN_BATCHSIZE", "BOTCORE_SCAN_BATCH_SIZE"), ("BOTCORE_POOL_CONECT", "BOTCORE_POOL_CONNECT")],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_an_unknown_name_suggests_the_near_one(dotenv, place, wrong, near):
    dotenv.write_text(f"{wrong}=1\n" if place == "file" else "")
    with pytest.raises(ConfigError, match=rf"^unknown setting {wrong}: did you mean {near}\?$"):
        load({wrong: "1"} if place == "environment" else {}, dotenv)


def test_a_name_like_no_other_says_where_all_are_listed(dotenv):
    with pytest.raises(ConfigError, match=r"^unknown setting BOTCORE_KITCHEN_COLOUR; `botcore config` lists them all$"):
        load({"BOTCORE_KITCHEN_COLOUR": "1"}, dotenv)


def test_names_of_others_are_none_of_our_business(dotenv):
    assert load({"PATH": "/bin", "DMARKETING": "x"}, dotenv).keys is None


def test_what_notebooks_read_is_no_setting_and_no_mistake(dotenv):
    assert load(dict.fromkeys(OTHERS, "short"), dotenv).shown == load({}, dotenv).shown
    with pytest.raises(ConfigError, match=r"did you mean BOTCORE_NOTEBOOKS\?"):
        load({"BOTCORE_NOTEBOOK": "short"}, dotenv)


@pytest.mark.parametrize("missing", sorted(KEYS))
def test_one_key_without_the_other_names_the_missing_one(dotenv, missing):
    with pytest.raises(ConfigError, match=f"^{missing} is missing: set both keys, or none to use the sandbox market$") as refused:
        load({name: value for name, value in KEYS.items() if name != missing}, dotenv)
    assert SECRET not in str(refused.value)


def test_keys_that_do_not_fit_together_are_refused_without_repeating_the_secret(dotenv):
    with pytest.raises(ConfigError, match="does not belong to the public key") as refused:
        load(KEYS | {"DMARKET_PUBLIC_KEY": make_keys(2)[0]}, dotenv)
    assert SECRET[:16] not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOTCORE_QUOTA_MARKET", "ten"),
        ("BOTCORE_QUOTA_WINDOW", "1 s"),
        ("BOTCORE_POOL_MAX_CONNECTIONS", "1.5"),
        ("BOTCORE_POOL_TRANSPORT", "http3"),
        ("BOTCORE_SCAN_BANDS", "many"),
        ("BOTCORE_SCAN_PRIORITY", "urgent"),
        ("DMARKET_URL", "api.dmarket.com"),
    ],
)
def test_a_value_that_cannot_be_used_names_its_variable(dotenv, name, value):
    with pytest.raises(ConfigError, match=name) as refused:
        load({name: value}, dotenv)
    assert repr(value) in str(refused.value)


@pytest.mark.parametrize(
    "values",
    [
        {"BOTCORE_QUOTA_MARKET": "0"},
        {"BOTCORE_QUOTA_DROP": "1"},
        {"BOTCORE_RETRY_ATTEMPTS": "0"},
        {"BOTCORE_POOL_READ": "-1"},
        {"BOTCORE_POOL_TRANSPORT": "http1", "BOTCORE_POOL_HTTP2": "true"},
        {"BOTCORE_SCAN_CONCURRENCY": "0"},
    ],
)
def test_values_that_make_no_sense_are_refused(dotenv, values):
    with pytest.raises(ConfigError):
        load(values, dotenv)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("name", ["BOTCORE_SCAN_DEADLINE", "BOTCORE_QUOTA_WINDOW", "BOTCORE_POOL_READ"])
def test_a_time_that_is_endless_or_no_number_is_refused(dotenv, name, value):
    with pytest.raises(ConfigError, match=f"{name}='{value}' cannot be used: a finite number is needed"):
        load({name: value}, dotenv)


def test_empty_values_count_as_not_given(dotenv):
    assert load({"BOTCORE_QUOTA_MARKET": "", "DMARKET_URL": " ", "DMARKET_SECRET_KEY": ""}, dotenv) == load({}, dotenv)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_the_secret_is_in_no_text_of_the_settings(dotenv, place):
    dotenv.write_text("".join(f"{name}={value}\n" for name, value in KEYS.items()) if place == "file" else "")
    settings = load(KEYS if place == "environment" else {}, dotenv)
    assert settings.keys is not None
    assert settings.keys.public_hex == PUBLIC
    texts = [repr(settings), str(settings), f"{settings}", msgspec.json.encode(settings.shown).decode(), *map(repr, settings.shown)]
    for start in range(0, len(SECRET) - 16, 16):
        assert not any(SECRET[start : start + 16] in text.lower() for text in texts if SECRET[start : start + 16] not in PUBLIC)
    assert not any(PUBLIC in text for text in texts)
    told = shown(settings)
    assert told["DMARKET_SECRET_KEY"] == ("set, not shown", "environment" if place == "environment" else ".env")
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)


@pytest.mark.parametrize("url", ["embedded", "redis://localhost:6379/0", "rediss://host/1", "unix:///run/valkey.sock"])
def test_redis_is_found_by_every_kind_of_address(dotenv, url):
    settings = load({"REDIS_URL": url}, dotenv)
    assert settings.redis_url == url
    assert shown(settings)["REDIS_URL"] == (url, "environment")


@pytest.mark.parametrize(
    "url", [f"redis://user:{SECRET}@localhost/0", f"rediss://:{SECRET}@h:1/0", f"unix:///run/x?password={SECRET}", f"redis://u:a@{SECRET}:b/c@h"]
)
def test_the_password_of_redis_is_never_shown(dotenv, url):
    settings = load({"REDIS_URL": url}, dotenv)
    assert settings.redis_url == url
    assert SECRET not in str(shown(settings))


def test_an_address_that_leads_to_no_redis_is_refused_without_its_password(dotenv):
    with pytest.raises(ConfigError, match="REDIS_URL") as refused:
        load({"REDIS_URL": f"http://user:{SECRET}@localhost"}, dotenv)
    assert SECRET not in str(refused.value)
