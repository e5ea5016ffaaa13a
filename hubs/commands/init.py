"""The command ``hubs init``: the settings of a community from a preset."""

from pathlib import Path

import click

from hubs.errors import Conflict
from hubs.settings import presets


@click.command()
@click.argument("folder", default=".", type=click.Path(path_type=Path, file_okay=False))
@click.option("--preset", type=click.Choice(presets.PRESETS), help="The kind of community.")
def init(folder: Path, preset: str | None) -> None:
    """Write hubs.toml, the settings of a community, into FOLDER (the working directory by default).

    Each preset names the instance, its services, the widgets of new hubs and the demo; without one they suit any
    community. Read the file and change it.
    """
    path = folder / presets.FILE
    text = presets.text(preset or "")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Conflict(
            f"{path} exists and was not changed. Move it out of the way, or name another folder: "
            f"hubs init FOLDER{f' --preset {preset}' if preset else ''}"
        ) from None
    except OSError as error:
        raise Conflict(f"{path} cannot be written: {error.strerror}. Name a folder in which you may write.") from None
    click.echo(f"Wrote {path}. It is short: read it, and change what differs in your community.")
    enter = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    click.echo(f"Next: {enter}hubs up")
