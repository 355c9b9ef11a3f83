"""Secret fields in what a schedule starts: they lie encrypted, bound to the schedule, until a tick fires.

A schedule is there for years. Meanwhile another key becomes the first, and a type says more of its fields to be secret than it
did: both are made up for (`kept`), and until then what is secret is masked by what is known of the type, not by how it lies.
"""

from msgspec import Raw

from taskflow_hub.domain.errors import Invalid, NoSecretKeys, Unavailable
from taskflow_hub.domain.schedule import Schedule
from taskflow_hub.domain.schedule_template import Template, template_of, with_payloads
from taskflow_hub.domain.secret_fields import as_stored, has_mask, has_sealed, hidden
from taskflow_hub.domain.submission import NO_PARAMETERS
from taskflow_hub.engine.task_types import NOTHING_KNOWN, TaskTypes
from taskflow_hub.secrets.keyring import Keyring, SecretUnreadable


class ScheduleSecrets:
    """Call the types' `refresh` first."""

    def __init__(self, types: TaskTypes, keyring: Keyring) -> None:
        self._types, self._keyring = types, keyring

    def sealed(self, template: Template, schedule_id: str) -> Template:
        """Raises NoSecretKeys."""
        return with_payloads(template, lambda type, payload, _: self._sealed(type, payload, schedule_id))

    def opened(self, template: Template, schedule_id: str) -> Template:
        """As it was given. Raises NoSecretKeys for what cannot be read here, Invalid for what can be nowhere."""
        return with_payloads(template, lambda type, payload, at: self._opened(type, payload, at, schedule_id))

    def hidden(self, template: Template) -> Template:
        """As it is shown."""
        return with_payloads(template, lambda type, payload, _: hidden(payload, self._secret_of(type)))

    def kept(self, template: Template, schedule_id: str) -> Template:
        """With everything secret encrypted with the key that is first by now, but for what cannot be read here."""

        def change(type: str, payload: Raw, _: str) -> Raw:
            secret = self._secret_of(type)
            if self._keyring.is_kept(payload, secret):
                return payload
            try:
                return self._keyring.keep_payload(payload, secret, type=type, id=schedule_id)
            except SecretUnreadable:
                return payload

        return with_payloads(template, change)

    def given_back(self, given: Template, old: Schedule) -> Template:
        """What is given as it is shown of `old`, the schedule as it was, keeps its secrets; of a workflow, node by node.

        Raises NoSecretKeys where they cannot be read here.
        """
        try:
            was = template_of(old)
        except Unavailable:
            return given
        there: dict[tuple[str, str], Raw] = {}

        def note(type: str, payload: Raw, at: str) -> Raw:
            there[type, at] = payload
            return payload

        def change(type: str, payload: Raw, at: str) -> Raw:
            stored = there.get((type, at))
            if stored is None or not has_mask(bytes(payload)):
                return payload
            shown = hidden(stored, self._secret_of(type))
            opened = self._opened(type, stored, at, old.id)
            return Raw(as_stored(bytes(payload), bytes(shown), bytes(opened)))

        with_payloads(was, note)
        return with_payloads(given, change)

    def require_key(self, type: str) -> None:
        """Can tasks of the type be made here? Raises NoSecretKeys."""
        self._types.sealed(NO_PARAMETERS, self._secret_of(type), type=type, id="")

    def _secret_of(self, type: str) -> tuple[str, ...]:
        return self._types.secret_of(type, NOTHING_KNOWN)

    def _sealed(self, type: str, payload: Raw, schedule_id: str) -> Raw:
        return self._types.sealed(payload, self._secret_of(type), type=type, id=schedule_id)

    def _opened(self, type: str, payload: Raw, at: str, schedule_id: str) -> Raw:
        if not has_sealed(bytes(payload)):
            return payload
        try:
            opened, _ = self._keyring.open_payload(payload, type=type, id=schedule_id)
        except SecretUnreadable as error:
            if error.changed:
                raise Invalid.field(at, f"cannot be read anywhere: {error}") from None
            raise NoSecretKeys(f"A secret field of the schedule cannot be read here: {at}{error}.") from None
        return opened
