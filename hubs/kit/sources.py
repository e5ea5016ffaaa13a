"""A package under development: the widgets that it declares, and whether one of its files was saved."""

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
    """The folder of a package; remembers the times of its files, so that `saved` can detect changes."""

    folder: Path
    _seen: dict[Path, int] = field(default_factory=dict)

    def declared(self) -> dict[str, str]:
        """Return ``module:ClassName`` of each widget in ``pyproject.toml``, by the name of its entry point.

        :raises InvalidInput: if it declares none; the message says what to write.
        """
        try:
            project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
        except OSError:
            raise InvalidInput(f"{self.folder} has no pyproject.toml. Begin with: hubs widget new NAME") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{self.folder / 'pyproject.toml'} is not valid TOML: {error}.") from None
        widgets = project.get("entry-points", {}).get(GROUP, {})
        if not widgets:
            raise InvalidInput(
                f'{self.folder / "pyproject.toml"} declares no widget. Write [project.entry-points."{GROUP}"] and '
                'below it a line such as tides = "hubs_tides.widget:Tides".'
            )
        return dict(widgets)

    def roots(self) -> list[str]:
        """Return the import roots of the package, for use without installation."""
        return [str(folder) for folder in (self.folder / "src", self.folder) if folder.is_dir()]

    def saved(self) -> bool:
        """Return whether a file was saved, added or removed since the last call."""
        now = {path: _time(path) for path in self.folder.rglob("*") if path.suffix in _SUFFIXES}
        changed, self._seen = now != self._seen, now
        return changed

    def forget(self) -> None:
        """Remove the package's modules from memory, so that they are imported again."""
        inside = str(self.folder.resolve())
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None)
            if path and str(Path(path).resolve()).startswith(inside + "/"):
                del sys.modules[name]
        importlib.invalidate_caches()


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # editors replace files when they save
        return 0
