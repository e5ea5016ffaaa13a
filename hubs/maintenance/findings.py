"""The checks of `hubs doctor` that need no service: settings, disk, last backup."""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from hubs.errors import BadSetting
from hubs.maintenance.backup import LAST
from hubs.models import now
from hubs.settings import Settings
from hubs.settings.types import is_loopback

#: Shortest secret key in characters, and how many different ones it needs at least: `openssl rand` gives far more.
SHORTEST_KEY, DIFFERENT = 32, 10
#: Smallest free part of the disk.
LEAST_FREE = 0.1
#: Age at which the last backup is too old.
OLD = timedelta(days=2)


@dataclass(frozen=True)
class Finding:
    """The result of a check: ``text`` says what is in force, or what is wrong and what to do."""

    name: str
    ok: bool
    text: str


def local(settings: Settings) -> list[Finding]:
    """Check what needs neither database nor Redis."""
    return [_key(settings), _login(settings), _prefix(settings), _disk(settings), _backup(settings)]


def _key(settings: Settings) -> Finding:
    name, configured = "secret key", settings.secret_key.get_secret_value()
    try:
        key = settings.key()
    except (BadSetting, OSError) as error:
        return Finding(name, False, f"{error} Make one with: openssl rand -hex 32")
    if not configured:
        return Finding(name, True, "a generated file in the data folder")
    if len(key) < SHORTEST_KEY or len(set(key)) < DIFFERENT:
        return Finding(name, False, "HUBS_SECRET_KEY can be guessed. Make a longer one with: openssl rand -hex 32")
    return Finding(name, True, f"{len(key)} characters, {len(key.former)} former keys")


def _login(settings: Settings) -> Finding:
    name, site = "sign-in", urlsplit(settings.site_url)
    local_site = is_loopback(site.hostname or "")
    if settings.local_login and not local_site:
        return Finding(name, False, f"HUBS_LOCAL_LOGIN lets anybody be anybody at {settings.site_url}. Set it to 0.")
    if site.scheme != "https" and not local_site:
        return Finding(name, False, "HUBS_SITE_URL begins with http: sessions can be stolen. Serve it with https.")
    if settings.local_login:
        return Finding(name, True, "without password, on this machine only")
    if not settings.oidc_issuer:
        return Finding(name, False, "Nobody can sign in. Set HUBS_OIDC_ISSUER, its client id and its secret.")
    if not settings.oidc_client_secret.get_secret_value():
        return Finding(name, False, "HUBS_OIDC_CLIENT_SECRET is empty. Set the secret that the provider gave you.")
    return Finding(name, True, f"at {settings.oidc_issuer}")


def _prefix(settings: Settings) -> Finding:
    name, prefix = "topic prefix", settings.topic_prefix
    if settings.environment == "prod" and prefix == Settings.model_fields["topic_prefix"].default:
        todo = "Set HUBS_TOPIC_PREFIX to your domain, turned round, or HUBS_PRESET to a preset that names it."
        return Finding(name, False, f"Our messages begin with {prefix}, which is nobody's. {todo}")
    return Finding(name, True, f"{prefix}.{settings.environment}")


def _disk(settings: Settings) -> Finding:
    name, folder = "disk", settings.data_dir.absolute()
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        return Finding(name, False, f"{folder} cannot be read ({error.strerror}). Create it, or set HUBS_DATA_DIR.")
    free = usage.free / usage.total
    text = f"{free:.0%} are free at {folder}"
    if free < LEAST_FREE:
        return Finding(name, False, f"Only {text}. Remove old backups and logs, or enlarge the disk.")
    return Finding(name, True, text)


def _backup(settings: Settings) -> Finding:
    name, todo = "backup", "Enable hubs-backup.timer, or run: hubs backup FOLDER"
    path: Path = settings.data_dir / LAST
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        made_at = datetime.fromisoformat(note["made_at"])
        age, folder, encrypted = now() - made_at, str(note["folder"]), bool(note["encrypted"])
    except FileNotFoundError:
        return Finding(name, False, f"There is none yet. {todo}")
    except (OSError, ValueError, TypeError, KeyError):
        return Finding(name, False, f"{path} cannot be read, so the last backup is unknown. {todo}")
    if age > OLD:
        return Finding(name, False, f"The last one is {age.days} days old. {todo}")
    return Finding(name, True, f"{age.total_seconds() / 3600:.0f} hours old, in {folder}{', encrypted' * encrypted}")
