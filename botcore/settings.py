"""Environment, ``.env`` and measured numbers → the option classes. Nothing is read on import; secrets are never shown.

The environment goes first, then ``.env``, then ``data/tuned.toml`` of the working directory, or the file that ``BOTCORE_TUNED`` names.

Names: ``DMARKET_URL``, ``DMARKET_PUBLIC_KEY``, ``DMARKET_SECRET_KEY``, ``TELEGRAM_TOKEN``, ``TELEGRAM_API_URL``, ``TELEGRAM_ALLOWED_USERS``, ``REDIS_URL``,
``DATABASE_URL``, and ``BOTCORE_<PART>_<FIELD>`` for every field of the option classes, ``BOTCORE_POOL_MAX_CONNECTIONS`` for example.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec
from dotenv import dotenv_values

from botcore import tuned as numbers
from botcore.cache import CacheOptions
from botcore.cache.address import check_url, hide_password
from botcore.client import KeyPair, PoolOptions, Priority, QuotaOptions, RetryOptions
from botcore.errors import ConfigError
from botcore.scan import ScanOptions, WatchOptions
from botcore.scan.confidence import Calibrations
from botcore.store import StoreOptions
from botcore.store.options import shown_url
from botcore.tuned import LEARNED, Tuned, Value

__all__ = ["DMARKET", "OTHERS", "WORKPLACE", "BotOptions", "Setting", "Settings", "Telegram", "behind", "load", "names"]

DMARKET = "https://api.dmarket.com"
TELEGRAM = "https://api.telegram.org"
_SECRET_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,256}")
"""What Telegram takes as a secret, and what nobody guesses."""


class BotOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the Telegram bot behaves. Seconds for every time. It stands here since the bot is a door above the settings.

    ``edit``: the least time between two edits of a scan that runs. ``digest``: alerts a minute in one chat beyond which they
    come together in one message. ``alert``: how long an alert may wait before it is too old to be sent. ``watch``: the time
    between two looks at a watched title; ``watches``: how many titles a chat may watch. ``warm``: titles of each game in use
    whose prices and sales are asked for at the start, 0 for none. ``webhook_url``: where Telegram shall bring updates, by
    HTTPS and through a proxy to ``webhook_port`` of this machine, with ``webhook_secret``; empty means that the bot fetches them.
    """

    edit: float = 1.0
    digest: int = 10
    alert: float = 120.0
    watch: float = 60.0
    watches: int = 20
    warm: int = 100
    webhook_url: str = ""
    webhook_port: int = 8443
    webhook_secret: str = ""

    def __post_init__(self) -> None:
        """Refuse what would make the bot silent, or a webhook that anybody could call."""
        if min(self.edit, self.alert, self.watch) <= 0 or min(self.digest, self.watches) < 1 or self.warm < 0:
            raise ConfigError("bot: edit, alert and watch need some seconds above 0, digest and watches at least 1, warm at least 0")
        if self.webhook_url and not (self.webhook_url.startswith(("https://", "http://127.0.0.1:")) and _SECRET_TOKEN.fullmatch(self.webhook_secret)):
            raise ConfigError("bot: webhook_url must begin with https:// and needs a webhook_secret of 16 to 256 letters, digits, _ or -")

    def __repr__(self) -> str:
        fields = (
            (name, _masked("BOTCORE_BOT_WEBHOOK_SECRET", self.webhook_secret) if name == "webhook_secret" else getattr(self, name))
            for name in self.__struct_fields__
        )
        return f"BotOptions({', '.join(f'{name}={value!r}' for name, value in fields)})"


class Telegram(msgspec.Struct, frozen=True):
    """The bot's account: its token, where Telegram's Bot API is, and who may use the bot, people and groups by their ids, the owner first."""

    token: str
    url: str
    allowed: tuple[int, ...]

    def check(self) -> None:
        """Raise ConfigError when no bot can be run with it: there is no token, or nobody may use the bot."""
        if not self.token:
            raise ConfigError("TELEGRAM_TOKEN is missing: get one from @BotFather, or run `botcore bot` without to try everything on this machine")
        if not any(one > 0 for one in self.allowed):
            raise ConfigError("TELEGRAM_ALLOWED_USERS is empty, so the bot would answer nobody: set it to your own id, which any stranger is told by the bot")

    def __repr__(self) -> str:
        return f"Telegram(token={'set, not shown' if self.token else 'not set'}, url={self.url!r}, allowed={self.allowed})"


_PARTS: dict[str, type[msgspec.Struct]] = {
    "pool": PoolOptions,
    "quota": QuotaOptions,
    "retry": RetryOptions,
    "scan": ScanOptions,
    "watch": WatchOptions,
    "cache": CacheOptions,
    "store": StoreOptions,
    "bot": BotOptions,
}
_TUNED_PARTS: dict[str, type[msgspec.Struct]] = {**_PARTS, "confidence": Calibrations}
"""What may be measured: options, which variables set as well, and what was learned from outcomes, which nothing else sets."""
_MARKET = ("DMARKET_URL", "DMARKET_PUBLIC_KEY", "DMARKET_SECRET_KEY")
_TELEGRAM = ("TELEGRAM_TOKEN", "TELEGRAM_API_URL", "TELEGRAM_ALLOWED_USERS")
_SERVERS = ("REDIS_URL",)
_TUNED = "BOTCORE_TUNED"
WORKPLACE = "BOTCORE_WORKPLACE"
"""Names the folder in which notebooks work, when that is not the project's."""
OTHERS = (WORKPLACE, "BOTCORE_NOTEBOOKS")
"""Variables that are no settings: notebooks read them, and the tests of notebooks set them."""
_OWN = {("store", "url"): "DATABASE_URL"}
"""Fields whose variable has the name that everybody knows."""
_SECRET = frozenset({"DMARKET_SECRET_KEY", "TELEGRAM_TOKEN", "BOTCORE_BOT_WEBHOOK_SECRET"})
_TOKEN = re.compile(r"[1-9][0-9]{0,15}:[A-Za-z0-9_-]{1,64}")
ALIKE = 0.8
"""How alike a name must be to be suggested, from 0 to 1; all begin alike, so less would suggest anything."""

Options = TypeVar("Options", bound=msgspec.Struct)


class Setting(msgspec.Struct, frozen=True):
    """One setting in force, as shown to a person: its variable, its value with secrets masked, and where it came from."""

    name: str
    value: str
    source: str


class Settings(msgspec.Struct, frozen=True):
    """Everything that is configured. ``keys`` is None when there are none: then the sandbox market is used.

    ``redis_url`` is empty without Redis: then memory alone remembers. ``tuned`` holds the measured numbers by part and field,
    whether or not something goes before them, and ``tuned_file`` is where they stand. ``confidence`` is what was learned from
    outcomes, by market.
    """

    url: str
    keys: KeyPair | None
    pool: PoolOptions
    quota: QuotaOptions
    retry: RetryOptions
    scan: ScanOptions
    watch: WatchOptions
    cache: CacheOptions
    store: StoreOptions
    bot: BotOptions
    telegram: Telegram
    redis_url: str
    shown: tuple[Setting, ...]
    tuned: dict[str, Tuned] = {}
    tuned_file: Path = numbers.DEFAULT
    confidence: Calibrations = Calibrations()

    def value(self, name: str) -> Value:
        """The number in force by its part and field, ``scan.batch_size`` for example. Raises ConfigError when it is none that is measured."""
        if name not in numbers.TUNABLE:
            raise ConfigError(f"{name} is no number that is measured: choose one of {', '.join(numbers.TUNABLE)}")
        part, field = name.split(".")
        value: Value = getattr(getattr(self, part), field)
        return value


def names() -> list[str]:
    """Every environment variable that is read."""
    return [*_MARKET, *_TELEGRAM, *_SERVERS, _TUNED, *(_variable(part, name) for part, options in _PARTS.items() for name in options.__struct_fields__)]


def load(environment: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Settings:
    """Read the settings; the environment goes before ``.env``, and both before the measured numbers.

    Raises:
        ConfigError: a value cannot be used, one key is missing, a variable's name is unknown, or a measured number cannot be trusted.
    """
    given = dict(os.environ if environment is None else environment)
    stored = _stored(dotenv or Path(".env"))
    values = {**stored, **given}
    _check_names(values)
    tuned_file = Path(values.get(_TUNED, "").strip() or numbers.DEFAULT)
    tuned = _tuned(tuned_file, named=bool(values.get(_TUNED, "").strip()))
    pool, quota = _options("pool", PoolOptions, values, tuned), _options("quota", QuotaOptions, values, tuned)
    retry, scan = _options("retry", RetryOptions, values, tuned), _options("scan", ScanOptions, values, tuned)
    cache, store = _options("cache", CacheOptions, values, tuned), _options("store", StoreOptions, values, tuned)
    watch, bot = _options("watch", WatchOptions, values, tuned), _options("bot", BotOptions, values, tuned)
    made: tuple[msgspec.Struct, ...] = (pool, quota, retry, scan, watch, cache, store, bot)
    parts = dict(zip(_PARTS, made, strict=True))
    url = values.get("DMARKET_URL", "").strip().rstrip("/") or DMARKET
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"DMARKET_URL must begin with http:// or https://, not {url!r}")
    redis_url = values.get("REDIS_URL", "").strip()
    if redis_url:
        check_url(redis_url)
    servers = [Setting(name, hide_password(values.get(name, "")), _source(name, values, given)) for name in _SERVERS]
    telegram = _telegram(values)
    shown = (
        *_shown_market(url, values, given),
        *_shown_telegram(telegram, values, given),
        *servers,
        Setting(_TUNED, str(tuned_file), _source(_TUNED, values, given)),
        *(
            _shown(part, name, value, _source(_variable(part, name), values, given, tuned.get(f"{part}.{name}")))
            for part, made in parts.items()
            for name, value in _fields(made)
        ),
        *(_shown_learned(name, tuned.get(name)) for name in LEARNED),
    )
    confidence = _learned(tuned)
    return Settings(url, _keys(values), pool, quota, retry, scan, watch, cache, store, bot, telegram, redis_url, shown, tuned, tuned_file, confidence)


def behind(settings: Settings) -> Settings:
    """The same with scans that take the last turn in the quota, as measurements do on a real account."""
    return msgspec.structs.replace(settings, scan=msgspec.structs.replace(settings.scan, priority=Priority.WARM))


def _stored(path: Path) -> dict[str, str]:
    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings in {path} cannot be read: {error}") from None


def _keys(values: Mapping[str, str]) -> KeyPair | None:
    public, secret = (values.get(name, "").strip() for name in ("DMARKET_PUBLIC_KEY", "DMARKET_SECRET_KEY"))
    if not public and not secret:
        return None
    if not public or not secret:
        missing = "DMARKET_SECRET_KEY" if public else "DMARKET_PUBLIC_KEY"
        raise ConfigError(f"{missing} is missing: set both keys, or none to use the sandbox market")
    return KeyPair.parse(public, secret)


def _telegram(values: Mapping[str, str]) -> Telegram:
    token, url, allowed = (values.get(name, "").strip() for name in _TELEGRAM)
    if token and not _TOKEN.fullmatch(token):
        raise ConfigError("TELEGRAM_TOKEN is no token: it looks like 123456789:AAbbCC, as @BotFather gives it")
    url = url.rstrip("/") or TELEGRAM
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"TELEGRAM_API_URL must begin with http:// or https://, not {url!r}")
    try:
        ids = [int(word) for word in allowed.replace(",", " ").split()]
    except ValueError:
        raise ConfigError(f"TELEGRAM_ALLOWED_USERS={allowed!r} cannot be used: give ids of people and groups, separated by commas") from None
    return Telegram(token, url, tuple(dict.fromkeys(ids)))


def _check_names(values: Mapping[str, str]) -> None:
    known = [*names(), *OTHERS]
    for name in values:
        if name.startswith("BOTCORE_") and name not in known:
            near = get_close_matches(name, known, 1, ALIKE)
            raise ConfigError(f"unknown setting {name}" + (f": did you mean {near[0]}?" if near else "; `botcore config` lists them all"))


def _tuned(path: Path, *, named: bool) -> dict[str, Tuned]:
    """The measured numbers, each one that its option accepts. A file that was named must be there."""
    if named and not path.exists():
        raise ConfigError(f"{_TUNED}={str(path)!r} cannot be used: there is no such file")
    found = numbers.read(path)
    for name, entry in found.items():
        part, field = name.split(".")
        try:
            _TUNED_PARTS[part](**{field: _measured(part, field, entry)})
        except (ConfigError, ValueError) as error:
            reason = f"{path} is stale: {name} = {numbers.told(entry.value)} cannot be used any more ({error})"
            raise ConfigError(f"{reason}; measure it anew with {entry.source}, or remove the entry to go back to the default") from None
    return found


def _measured(part: str, field: str, entry: Tuned) -> object:
    """The value of an entry as its option has it; raises ValueError when that has another kind."""
    return msgspec.convert(entry.value, type=get_type_hints(_TUNED_PARTS[part])[field], strict=False)


def _learned(tuned: Mapping[str, Tuned]) -> Calibrations:
    fields = {name: name.split(".") for name in LEARNED if name in tuned}
    found: dict[str, Any] = {field: _measured(part, field, tuned[name]) for name, (part, field) in fields.items()}
    return Calibrations(**found)


def _options(part: str, options: type[Options], values: Mapping[str, str], tuned: Mapping[str, Tuned]) -> Options:
    made: dict[str, object] = {}
    hints = get_type_hints(options)
    for name in options.__struct_fields__:
        text = values.get(_variable(part, name), "").strip()
        if text:
            made[name] = _value(_variable(part, name), text, hints[name])
        elif f"{part}.{name}" in tuned:
            made[name] = _measured(part, name, tuned[f"{part}.{name}"])
    try:
        return options(**made)
    except ValueError as error:
        raise ConfigError(f"the settings BOTCORE_{part.upper()}_* do not fit together: {error}") from None


def _value(name: str, text: str, kind: object) -> object:
    if isinstance(kind, type) and issubclass(kind, Enum) and text.upper() in kind.__members__:
        return kind[text.upper()]
    try:
        value: object = msgspec.convert(text, type=kind, strict=False)
    except msgspec.ValidationError as error:
        wanted = "a whole number, or auto, is needed" if "auto" in str(kind) else str(error)
        raise ConfigError(f"{name}={text!r} cannot be used: {wanted}") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{name}={text!r} cannot be used: a finite number is needed")
    return value


def _variable(part: str, field: str) -> str:
    return _OWN.get((part, field), f"BOTCORE_{part.upper()}_{field.upper()}")


def _fields(options: msgspec.Struct) -> list[tuple[str, object]]:
    return [(name, getattr(options, name)) for name in options.__struct_fields__]


def _shown(part: str, field: str, value: object, source: str) -> Setting:
    name = _variable(part, field)
    if name in _SECRET:
        return Setting(name, _masked(name, str(value)), source)
    if isinstance(value, str) and name in _OWN.values():
        return Setting(name, shown_url(value), source)
    return Setting(name, "" if value is None else str(getattr(value, "name", value)).lower(), source)


def _shown_learned(name: str, entry: Tuned | None) -> Setting:
    return Setting(name, "" if entry is None else numbers.told(entry.value), _measured_by(entry))


def _shown_market(url: str, values: Mapping[str, str], given: Mapping[str, str]) -> list[Setting]:
    rows = [Setting("DMARKET_URL", url, _source("DMARKET_URL", values, given))]
    for name in _MARKET[1:]:
        value = values.get(name, "")
        rows.append(Setting(name, _masked(name, value), _source(name, values, given)))
    return rows


def _shown_telegram(telegram: Telegram, values: Mapping[str, str], given: Mapping[str, str]) -> list[Setting]:
    shown = (_masked("TELEGRAM_TOKEN", telegram.token), telegram.url, ", ".join(map(str, telegram.allowed)))
    return [Setting(name, value, _source(name, values, given)) for name, value in zip(_TELEGRAM, shown, strict=True)]


def _masked(name: str, value: str) -> str:
    if not value:
        return ""
    return "set, not shown" if name in _SECRET else f"{value[:6]}…"


def _source(name: str, values: Mapping[str, str], given: Mapping[str, str], tuned: Tuned | None = None) -> str:
    if not values.get(name, "").strip():
        return _measured_by(tuned)
    return "environment" if name in given else ".env"


def _measured_by(tuned: Tuned | None) -> str:
    return "default" if tuned is None else f"tuned, {Path(tuned.record).name}"
