"""The keys of a hub for other services, decrypted while one of its widgets is built."""

import json
from dataclasses import replace

from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from hubs.clients.http.service import HostKey
from hubs.clients.http.target import Target
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import _
from hubs.models import HubKey, Widget
from hubs.widgets.caching import Interest, services_of, session_of
from hubs.widgets.secrets import SecretBox, Unreadable


def settings_of_hub(row: Widget) -> Interest:
    """Return the interest in changes of the settings of a widget's hub, of which its keys are a part."""
    return Interest(("hubs.hub.updated",), "hub", str(row.hub.id))


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address as they are compared, or an empty text if it cannot be requested.

    The client takes the address apart, so that a key is stored for the very host that a request leads to. Hosts are in
    lower case and in their ASCII form, without the dot at the end; the standard port is left out.
    """
    try:
        target = Target.of(address, None)
    except UpstreamForbidden:
        return ""
    return f"{target.scheme}://{replace(target, host=target.host.removesuffix('.')).authority}"


def seal(box: SecretBox, hub_id: int, origin: str, text: str) -> dict[str, str]:
    """Return a key encrypted together with its hub and its origin, so that no change of a row can send it elsewhere."""
    return box.encrypt(json.dumps([hub_id, origin, text]))


def key_for(row: Widget, address: str) -> HostKey | None:
    """Return the key of a widget's hub for the host of an address, or None if it has none.

    :raises NeedsSetup: if the key cannot be decrypted.
    """
    origin = origin_of(address)
    # A session of its own, which is closed at once: no connection may be kept while another server is asked.
    with Session(session_of(row).get_bind()) as session:
        query = select(HubKey.secret).where(HubKey.hub_id == row.hub_id, HubKey.origin == origin)
        sealed = session.scalar(query)
    if sealed is None:
        return None
    try:
        hub_id, entered_for, text = json.loads(SecretBox(services_of(row).key).open(sealed))
    except (Unreadable, ValueError):
        hub_id, entered_for, text = 0, "", ""
    if (hub_id, entered_for) != (row.hub_id, origin):
        raise NeedsSetup(
            _("The key for {origin} cannot be read. An owner can enter it again in the hub's settings.").format(
                origin=origin
            )
        )
    return HostKey(origin, SecretStr(text))
