"""The package that somebody works on: which widgets it declares, and whether a file of it was saved."""

import importlib
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from hubs.errors import InvalidInput
from hubs.widgets.registry import GROUP

_SUFFIXES = (".py", ".html")


@dataclass
class Sources:
    """A package's folder; `saved` tells whether a file changed since it was asked the last time."""

    folder: Path
    _seen: dict[Path, int] = field(default_factory=dict)

    def declared(self) -> dict[str, str]:
        """Return ``module:ClassName`` of each widget that ``pyproject.toml`` declares, by its name.

        :raises InvalidInput: when it declares none, with what to write.
        """
        try:
            project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        except OSError:
            raise InvalidInput(f"{self.folder} has no pyproject.toml. Begin with: hubs widget new NAME") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{self.folder / 'pyproject.toml'} is not valid TOML: {error}.") from None
        found = project.get("entry-points", {}).get(GROUP, {})
        if not found:
            raise InvalidInput(
                f'{self.folder / "pyproject.toml"} declares no widget. Write [project.entry-points."{GROUP}"] and '
                'below it a line such as tides = "hubs_tides.widget:Tides".'
            )
        return dict(found)

    def roots(self) -> list[str]:
        """Return the folders in which Python finds the package without its being installed."""
        return [str(one) for one in (self.folder / "src", self.folder) if one.is_dir()]

    def saved(self) -> bool:
        """Return whether a file was saved, added or removed since the last call."""
        now = {path: _time(path) for path in self.folder.rglob("*") if path.suffix in _SUFFIXES}
        changed, self._seen = now != self._seen, now
        return changed

    def forget(self) -> None:
        """Let Python import the package's modules again."""
        inside = str(self.folder.resolve())
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if path and str(Path(path).resolve()).startswith(inside + "/"):
                del sys.modules[name]
        importlib.invalidate_caches()


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # removed meanwhile, as editors do when they save
        return 0
