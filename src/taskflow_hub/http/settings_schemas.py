"""What a process runs with, as it is answered."""

from msgspec import Struct

from taskflow_hub.redaction import SettingsSection


class SettingsView(Struct, frozen=True, kw_only=True):
    """What the process that answers runs with. Another may have other settings."""

    version: str
    python: str
    host: str
    pid: int
    store: str  # sqlite or postgresql
    store_version: str
    schema_version: str
    sections: list[SettingsSection]
