"""A widget's settings between its row and its code: defaults, secrets, and migrations of older settings.

Settings carry the version of the widget's parameters under ``$schema`` (left out for version 1), in files, revisions
and rows alike.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hubs.errors import InvalidInput, NeedsSetup
from hubs.i18n import _
from hubs.parameters.addresses import TypedAddress
from hubs.widgets import parameters
from hubs.widgets.parameters import Parameter
from hubs.widgets.secrets import SecretBox, Unreadable, is_sealed

log = logging.getLogger(__name__)

#: The key under which settings store the version of their parameters.
VERSION = "$schema"


@dataclass(frozen=True)
class Schema:
    """The parameters of a widget at their current ``version``; ``migrate`` converts older settings."""

    parameters: tuple[Parameter, ...]
    version: int = 1
    migrate: Callable[[dict[str, Any], int], Mapping[str, Any]] = field(default=lambda settings, version: settings)
    secret_box: SecretBox = field(default_factory=SecretBox)

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Every parameter's default, or None."""
        return parameters.defaults(self.parameters)

    def in_force(self, stored: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
        """Return the effective settings: migrated to the current version, secrets decrypted, addresses typed.

        ``owner`` names the hub whose people typed them; see `hubs.parameters.addresses.TypedAddress`.

        :raises NeedsSetup: if they cannot be migrated or a secret cannot be decrypted; the message says what to do.
        """
        settings = self._migrated(stored)
        for name in self._secrets & set(settings):
            try:
                settings[name] = self.secret_box.open(settings[name]) if settings[name] else None
            except Unreadable as error:
                raise NeedsSetup(
                    _("%(error)s Type it again in the settings of this widget.") % {"error": error}
                ) from None
        return self.typed(settings, owner)

    def typed(self, settings: Mapping[str, Any], owner: str) -> dict[str, Any]:
        """Return settings in which each address is a `TypedAddress`, so that only the guarded client requests it."""
        return {**settings, **_typed(self.parameters, settings, owner)}

    def shown(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings for forms, files and revisions: at the current version, without secrets.

        Settings that cannot be migrated are returned as stored.
        """
        settings = self._before(stored)
        return {name: value for name, value in settings.items() if name not in self._secrets and not is_sealed(value)}

    def has(self, stored: Mapping[str, Any]) -> frozenset[str]:
        """Return the names of the secrets that are stored."""
        settings = self._before(stored)
        return frozenset(name for name in self._secrets if settings.get(name))

    def store(self, values: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return the settings that replace ``stored`` when ``values`` are saved, and the names of those that change.

        :raises InvalidInput: with one sentence per field that cannot be accepted.
        """
        before = self._before(stored)
        cleaned = parameters.clean(self.parameters, self._incoming(values), before)
        secrets = {name: before[name] for name in self._secrets if before.get(name)}
        changed = [] if self._is_current(stored) else [VERSION]
        for name, value in cleaned.items():
            if name not in self._secrets:
                if {**self.defaults, **before}.get(name) != value:
                    changed.append(name)
            elif value is None:
                changed.extend([name] if secrets.pop(name, None) else ())
            elif not self._holds(secrets.get(name), value):
                secrets[name] = self.secret_box.encrypt(value)
                changed.append(name)
        plain = {name: value for name, value in cleaned.items() if name not in self._secrets}
        return {**plain, **secrets, **self._mark}, sorted(changed)

    def drafted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``values`` as stored in a draft until it is published: secrets encrypted, None for a cleared one.

        :raises InvalidInput: with one sentence per field that cannot be accepted.
        """
        # The widget's secrets count as present: a draft keeps them unless it changes them.
        existing = dict.fromkeys(self._secrets, True)
        cleaned = parameters.clean(self.parameters, self._incoming(values), existing)
        for name in self._secrets & set(cleaned):
            cleaned[name] = self.secret_box.encrypt(cleaned[name]) if cleaned[name] else None
        return {**cleaned, **self._mark}

    @cached_property
    def _secrets(self) -> frozenset[str]:
        return parameters.secrets(self.parameters)

    @property
    def _mark(self) -> dict[str, int]:
        return {VERSION: self.version} if self.version != 1 else {}

    def _is_current(self, stored: Mapping[str, Any]) -> bool:
        return not stored or _version(stored) == self.version

    def _holds(self, sealed: Any, text: str) -> bool:
        try:
            return sealed is not None and self.secret_box.open(sealed) == text
        except Unreadable:
            return False

    def _migrated(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        settings, version = {name: value for name, value in stored.items() if name != VERSION}, _version(stored)
        if version == self.version or not settings:
            return settings
        if version > self.version:
            raise NeedsSetup(
                _("These settings were stored by a newer version of this widget (%(newer)s; this is %(version)s).")
                % {"newer": version, "version": self.version}
            )
        try:
            return dict(self.migrate(settings, version))
        except Exception as error:  # an outside widget may fail in any way and must not break the page
            log.exception("settings cannot be migrated from version %d to %d", version, self.version)
            raise NeedsSetup(
                _(
                    "Its settings are from version %(older)s and cannot be brought to version %(version)s (%(error)s). "
                    "Open its settings, check them, and save."
                )
                % {"older": version, "version": self.version, "error": type(error).__name__}
            ) from error

    def _before(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {**self._migrated(stored), **self._mark}
        except NeedsSetup:
            return dict(stored)

    def _incoming(self, values: Mapping[str, Any]) -> dict[str, Any]:
        name = VERSION
        try:
            settings = self._migrated(values) if VERSION in values else dict(values)
            for name in self._secrets & set(settings):
                if is_sealed(settings[name]):  # from a draft
                    settings[name] = self.secret_box.open(settings[name])
        except (NeedsSetup, Unreadable) as error:
            raise InvalidInput(_("Some fields need your attention."), {name: str(error)}) from None
        return settings


def _version(stored: Mapping[str, Any]) -> int:
    version = stored.get(VERSION, 1)
    return version if isinstance(version, int) and not isinstance(version, bool) else 1


def _typed(declared: Sequence[Parameter], settings: Mapping[str, Any], owner: str) -> dict[str, Any]:
    typed: dict[str, Any] = {}
    for parameter in declared:
        value = settings.get(parameter.name)
        if parameter.kind == "url" and isinstance(value, str):
            typed[parameter.name] = TypedAddress(value, owner)
        elif parameter.kind == "rows" and isinstance(value, list):
            typed[parameter.name] = [
                {**row, **_typed(parameter.fields, row, owner)} if isinstance(row, Mapping) else row for row in value
            ]
    return typed
