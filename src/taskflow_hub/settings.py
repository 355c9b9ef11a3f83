"""Every setting, once: the parts that each room declares for itself, and where their values come from.

defaults < taskflow.toml < TASKFLOW_* environment < flags. `[worker] slots = 50` in the file is TASKFLOW_WORKER_SLOTS in the
environment; TASKFLOW_DATABASE_URL_FILE names a file that holds the value, for secrets. `none` stands for "without a value".
"""

import difflib
import math
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Final, Self, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from taskflow_hub import redaction
from taskflow_hub.broker.settings import BrokerSettings
from taskflow_hub.builtin.settings import FilesSettings
from taskflow_hub.domain.errors import FieldError, Misconfigured
from taskflow_hub.engine.settings import AuthSettings, EngineSettings, QuotaSettings, RetentionSettings
from taskflow_hub.http.settings import WITHOUT_ACCOUNTS, HttpSettings
from taskflow_hub.logs import LogSettings
from taskflow_hub.net.settings import NetSettings
from taskflow_hub.redaction import SettingsSection, SettingView
from taskflow_hub.secrets.settings import SecretsSettings
from taskflow_hub.store.settings import DatabaseSettings
from taskflow_hub.worker.settings import WorkerSettings

PREFIX: Final = "TASKFLOW_"
# Not to be left empty by mistake, with what that would do.
NEVER_EMPTY: Final = {
    "TASKFLOW_AUTH_SECRET": "would leave the hub without accounts",
    "TASKFLOW_SECRETS_KEYS": "would leave secret fields without a key",
}
UNITS: Final = {"Seconds": "seconds", "Bytes": "bytes", "Megabytes": "megabytes"}
FILE: Final = Path("taskflow.toml")
# Read by clients, not by the hub.
CLIENT_VARIABLES: Final = frozenset({"TASKFLOW_SERVER", "TASKFLOW_KEY", "TASKFLOW_PROFILE"})


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    database: DatabaseSettings = DatabaseSettings()
    broker: BrokerSettings = BrokerSettings()
    engine: EngineSettings = EngineSettings()
    retention: RetentionSettings = RetentionSettings()
    worker: WorkerSettings = WorkerSettings()
    http: HttpSettings = HttpSettings()
    auth: AuthSettings = AuthSettings()
    quotas: QuotaSettings = QuotaSettings()
    secrets: SecretsSettings = SecretsSettings()
    net: NetSettings = NetSettings()
    files: FilesSettings = FilesSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _stops_before_it_is_taken_for_dead(self) -> Self:  # noqa: N804 (an instance, after validation)
        if self.engine.dead_after <= self.worker.self_stop_s:
            raise ValueError(
                "engine.dead_after must be larger than worker.self_stop_s, or two workers run one task"
            )
        return self


class Loaded(Struct, frozen=True):
    """`origins` says of each setting ("worker.slots") where its value came from: default, file, environment or flag."""

    settings: Settings
    origins: dict[str, str]


def load(
    flags: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None, file: Path = FILE
) -> Loaded:
    """Read all sources; `flags` are given as {"worker.slots": 50}, and None in them means not given.

    Raises Misconfigured, naming every wrong setting as it was written, with a suggestion for an unknown one.
    """
    sources: tuple[tuple[str, Callable[[str], str], Mapping[str, Any]], ...] = (
        ("file", str, _from_file(file)),
        ("environment", variable, _from_environment(os.environ if environ is None else environ)),
        ("flag", str, {name: value for name, value in (flags or {}).items() if value is not None}),
    )
    values: dict[str, dict[str, Any]] = {}
    origins = dict.fromkeys(names(), "default")
    spelled: dict[str, str] = {}
    unknown: list[FieldError] = []
    for origin, spelling, given in sources:
        known = {spelling(name): name for name in origins}
        for written, value in given.items():
            name = known.get(written)
            if name is None:
                unknown.append(_unknown(written, known))
                continue
            section, _, key = name.partition(".")
            values.setdefault(section, {})[key] = value
            origins[name], spelled[name] = origin, written
    if unknown:
        raise _wrong(unknown)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _wrong(_invalid(error, spelled)) from None
    if endless := [name for name in origins if value_of(settings, name) == math.inf]:
        raise _wrong([FieldError(spelled[name], "must be a finite number") for name in endless])
    if settings.auth.secret is None and not settings.http.is_loopback:
        name = spelled["http.host"]
        raise _wrong(
            [FieldError(name, f"{settings.http.host} can be reached by others, and {WITHOUT_ACCOUNTS}")]
        )
    return Loaded(settings, origins)


def names() -> Iterator[str]:
    """Every setting as "section.key", in the order they are declared."""
    for section, key, _ in fields():
        yield f"{section}.{key}"


def fields() -> Iterator[tuple[str, str, Any]]:
    """(section, key, pydantic's field) of every setting; what the reference documentation is checked against."""
    for section, field in Settings.model_fields.items():
        part = field.annotation
        assert isinstance(part, type)
        assert issubclass(part, BaseModel)
        for key, inner in part.model_fields.items():
            yield section, key, inner


def shown(settings: Settings, origins: Mapping[str, str]) -> list[SettingsSection]:
    """Every setting as people may see it. `origins`: as in Loaded; one that is not there is not known."""
    defaults = Settings()
    sections: dict[str, list[SettingView]] = {}
    for section, key, field in fields():
        name = f"{section}.{key}"
        value, default = value_of(settings, name), value_of(defaults, name)
        seen = redaction.shown(name, value)
        sections.setdefault(section, []).append(
            SettingView(
                name=name,
                variable=variable(name),
                value=seen,
                default=redaction.shown(name, default),
                origin=origins.get(name),
                redacted=redaction.HIDDEN in str(seen),
                unit=unit_of(field),
                description=str(field.description),
            )
        )
    return [SettingsSection(section, settings) for section, settings in sections.items()]


def unit_of(field: Any) -> str | None:
    """What a number counts, which its description begins with."""
    return UNITS.get(str(field.description).split()[0])


def value_of(settings: Settings, name: str) -> Any:
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


def variable(name: str) -> str:
    """The environment's name for "worker.slots"."""
    return PREFIX + name.replace(".", "_").upper()


def _from_file(file: Path) -> dict[str, Any]:
    """{"worker.slots": 50}, and whatever else the file says, by the names it uses."""
    if not file.exists():
        return {}
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{file}: {error}") from None
    given: dict[str, Any] = {}
    for section, values in tree.items():
        if isinstance(values, dict) and (values or section in Settings.model_fields):
            given |= {f"{section}.{key}": value for key, value in values.items()}
        else:
            given[section] = values
    return _as_meant(given, str)


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Every TASKFLOW_X; an empty one counts as not given. TASKFLOW_X_FILE is read, and stands for TASKFLOW_X."""
    known = {variable(name) for name in names()}
    given: dict[str, Any] = {}
    for plain in NEVER_EMPTY:
        for written in (plain, f"{plain}_FILE"):
            _require_no_blank(plain, written, environ.get(written))
    for written, text in environ.items():
        plain = written.removesuffix("_FILE")
        if not written.startswith(PREFIX) or written in CLIENT_VARIABLES or not text:
            continue
        if written in known or plain not in known:
            given[written] = text
        elif environ.get(plain):
            raise Misconfigured(f"{written} and {plain} are both set; one of them is enough")
        else:
            given[plain] = _secret(written, Path(text))
            _require_no_blank(plain, written, given[plain])
    return _as_meant(given, variable)


def _require_no_blank(plain: str, written: str, text: str | None) -> None:
    """What was meant to turn accounts on, or to encrypt, does not leave that off. Raises Misconfigured."""
    if plain in NEVER_EMPTY and text is not None and text.replace(",", " ").strip().lower() in {"", "none"}:
        raise Misconfigured(
            f"{written}: is set, but empty, which {NEVER_EMPTY[plain]}; unset it if it shall be"
        )


def _secret(written: str, path: Path) -> str:
    """The file's text without its last line break."""
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{written}: cannot read {path}: {error}") from None


def _as_meant(given: dict[str, Any], spelling: Callable[[str], str]) -> dict[str, Any]:
    """What a text cannot say otherwise: a list by commas, and "none" for a setting that may be without a value."""
    for section, key, field in fields():
        written = spelling(f"{section}.{key}")
        match given.get(written):
            case str(text) if get_origin(field.annotation) is tuple:
                given[written] = tuple(item.strip() for item in text.split(",") if item.strip())
            case str(text) if text.strip().lower() == "none" and NoneType in get_args(field.annotation):
                given[written] = None
    return given


def _unknown(written: str, known: Iterable[str]) -> FieldError:
    by_heart = {name.removeprefix(PREFIX): name for name in known}  # what all have in common says nothing
    close = difflib.get_close_matches(written.removeprefix(PREFIX), by_heart, n=1)
    hint = f"did you mean {by_heart[close[0]]}?" if close else "`taskflow config show` lists them all"
    return FieldError(written, f"is not a setting; {hint}")


def _invalid(error: ValidationError, spelled: Mapping[str, str]) -> list[FieldError]:
    problems = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        name = ".".join(str(step) for step in problem["loc"][:2]) or "settings"
        problems.append(
            FieldError(spelled.get(name, name), str(problem["msg"]).removeprefix("Value error, "))
        )
    return problems


def _wrong(problems: Sequence[FieldError]) -> Misconfigured:
    return Misconfigured("; ".join(f"{one.pointer}: {one.detail}" for one in problems), errors=problems)
