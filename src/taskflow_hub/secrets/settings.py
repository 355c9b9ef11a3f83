"""What can be set about secret fields."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from taskflow_hub.secrets.keyring import key_of


class SecretsSettings(BaseModel):
    """Fields of payloads that a task type calls secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: tuple[str, ...] = Field(
        (),
        repr=False,
        description="Encrypt the secret fields of payloads: 32 random bytes each, in base64, as `openssl rand -base64 32` "
        "makes them; the same for servers, workers and programs that submit. The first encrypts, all decrypt.",
    )

    @field_validator("keys", mode="before")
    @classmethod
    def _one_a_line(cls, keys: Any) -> Any:
        """A file may have a key on each line."""
        if isinstance(keys, str):
            return tuple(keys.replace(",", " ").split())
        if isinstance(keys, list | tuple) and all(isinstance(key, str) for key in keys):
            return tuple(part for key in keys for part in key.split())
        return keys

    @field_validator("keys")
    @classmethod
    def _are_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for place, key in enumerate(keys, 1):
            try:
                key_of(key)
            except ValueError as error:
                raise ValueError(f"key {place} of {len(keys)} {error}") from None
        if len(set(map(key_of, keys))) < len(keys):
            raise ValueError("has one key twice")
        return keys
