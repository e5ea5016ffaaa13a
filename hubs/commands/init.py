"""The command ``hubs init``: the settings of a community from a preset."""

from importlib.resources import files
from pathlib import Path

import click

from hubs.errors import Conflict

#: The file that `hubs up` reads in the working directory.
CONFIG = "hubs.toml"
#: The presets: ``presets/<name>.toml`` beside this module.
PRESETS = ("fedora", "gitlab", "forgejo", "github", "opensuse")


def read(preset: str) -> str:
    """Return the text of a preset."""
    return files("hubs.commands").joinpath("presets", f"{preset}.toml").read_text("utf-8")


def find() -> Path | None:
    """Return the settings file of the working directory, or None."""
    path = Path(CONFIG).absolute()
    return path if path.is_file() else None


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--preset", required=True, type=click.Choice(PRESETS), help="The kind of community.")
def init(folder: Path, preset: str) -> None:
    """Write hubs.toml, the settings of a community, into FOLDER (the working directory by default).

    Each preset names the instance, its services, the widgets of new hubs and the demo. Read the file and change it.
    """
    path = folder / CONFIG
    text = read(preset)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(
            f"{path} exists and was not changed. Move it out of the way, or name another folder: "
            f"hubs init FOLDER --preset {preset}"
        ) from None
    except OSError as error:
        raise Conflict(f"{path} cannot be written: {error.strerror}. Name a folder in which you may write.") from None
    click.echo(f"Wrote {path}. It is short: read it, and change what differs in your community.")
    enter = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    click.echo(f"Next: {enter}hubs up")
