"""A widget's settings between its row and its code: defaults, secrets, and what older versions of the code stored.

Settings carry the version of the widget's parameters under ``$schema``, left out for version 1, so that files,
revisions and rows all tell how they are to be read.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hubs.errors import InvalidInput, NeedsSetup
from hubs.i18n import _
from hubs.widgets import parameters
from hubs.widgets.parameters import Parameter
from hubs.widgets.secrets import SecretBox, Unreadable, is_sealed

log = logging.getLogger(__name__)

#: Where settings keep the version of the parameters that they were stored under.
VERSION = "$schema"


@dataclass(frozen=True)
class Schema:
    """The parameters of a widget at their current ``version``; ``migrate`` brings older settings to it."""

    parameters: tuple[Parameter, ...]
    version: int = 1
    migrate: Callable[[dict[str, Any], int], Mapping[str, Any]] = field(default=lambda settings, version: settings)
    vault: SecretBox = field(default_factory=SecretBox)

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Every parameter's default; None where it has none."""
        return parameters.defaults(self.parameters)

    def in_force(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the widget works with: the settings at the current version, secrets opened.

        :raises NeedsSetup: when they cannot be migrated, or a secret cannot be read; with what to do about it.
        """
        settings = self._migrated(stored)
        for name in self._secrets & set(settings):
            try:
                settings[name] = self.vault.open(settings[name]) if settings[name] else None
            except Unreadable as error:
                raise NeedsSetup(
                    _("%(error)s Type it again in the settings of this widget.") % {"error": error}
                ) from None
        return settings

    def shown(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what forms, files and revisions may hold: the settings at the current version, without secrets.

        What cannot be migrated is returned as it is stored.
        """
        settings = self._before(stored)
        return {name: value for name, value in settings.items() if name not in self._secrets and not is_sealed(value)}

    def has(self, stored: Mapping[str, Any]) -> frozenset[str]:
        """Return the names of the secrets that are stored."""
        settings = self._before(stored)
        return frozenset(name for name in self._secrets if settings.get(name))

    def store(self, values: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Return what to store for ``values`` in the place of ``stored``, and the names of the settings that change.

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
                secrets[name] = self.vault.encrypt(value)
                changed.append(name)
        plain = {name: value for name, value in cleaned.items() if name not in self._secrets}
        return {**plain, **secrets, **self._mark}, sorted(changed)

    def drafted(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a draft holds of ``values`` until it is published: secrets sealed, None where one is cleared.

        :raises InvalidInput: with one sentence per field that cannot be accepted.
        """
        kept = dict.fromkeys(self._secrets, True)  # what the widget has stays, unless the draft says otherwise
        cleaned = parameters.clean(self.parameters, self._incoming(values), kept)
        for name in self._secrets & set(cleaned):
            cleaned[name] = self.vault.encrypt(cleaned[name]) if cleaned[name] else None
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
            return sealed is not None and self.vault.open(sealed) == text
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
            log.exception("settings cannot be brought from version %d to %d", version, self.version)
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
        place = VERSION
        try:
            settings = self._migrated(values) if VERSION in values else dict(values)
            for place in self._secrets & set(settings):
                if is_sealed(settings[place]):  # from a draft
                    settings[place] = self.vault.open(settings[place])
        except (NeedsSetup, Unreadable) as error:
            raise InvalidInput(_("Some fields need your attention."), {place: str(error)}) from None
        return settings


def _version(stored: Mapping[str, Any]) -> int:
    found = stored.get(VERSION, 1)
    return found if isinstance(found, int) and not isinstance(found, bool) else 1
