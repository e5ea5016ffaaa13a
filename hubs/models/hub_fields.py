"""The fields of a hub that people can set, each declared once.

Validation (`hubs.actions.hubs`), the settings forms, the YAML document and revisions, the API's schemas, the contact
widget and the documentation are derived from `HUB_FIELDS`. A field in ``extras`` needs nothing else; one with a column
of its own also needs the column in `hubs.models.hub` and a migration.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from hubs.errors import InvalidInput
from hubs.i18n import N_, _
from hubs.models import visible_text
from hubs.models.appearance.choices import BANNERS, ICONS, PATTERNS
from hubs.models.appearance.looks import Banner, HubIcon, Pattern, Presence
from hubs.models.hub import GRID, SUMMARY_LENGTH, Hub, JoinMode
from hubs.models.visibility import Visibility
from hubs.parameters.declaration import Parameter
from hubs.parameters.kinds import MARKDOWN

#: Most sites that may embed the widgets of one hub.
MOST_SITES = 8
#: An origin, with TLS unless it is on this machine.
_SITE = re.compile(
    r"(?:https://(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+|http://(?:localhost|127\.0\.0\.1))(?::[0-9]{1,5})?"
)
#: The pages of a hub's settings.
Page = Literal["general", "appearance", "members"]


@dataclass(frozen=True)
class HubField(Parameter):
    """A field of a hub: a parameter of one of the shared kinds, and where the field appears."""

    default: Any = ""
    #: Most characters of a text.
    max_length: int = 255
    #: The enum of a choice's values, if the column has one.
    values: type[StrEnum] | None = None
    #: A column of the hub, or a key of its column ``extras``.
    stored_in: Literal["column", "extras"] = "column"
    #: ``edit``: owners; ``own``: owners, also while the hub is archived; ``operate``: operators of the instance.
    permission: Literal["edit", "own", "operate"] = "edit"
    #: The settings page that has the field; None if it has a control of its own, or none.
    page: Page | None = None
    #: Whether the form that creates a hub has the field.
    on_create: bool = False
    in_api: bool = True
    #: Whether the API's lists of hubs have the field.
    in_lists: bool = False
    #: The field's label in the contact widget; empty if the widget does not show it.
    contact: str = ""
    #: What the contact widget links to, with ``{}`` for the value; empty where the value is an address itself.
    link: str = ""

    def clean(self, value: Any) -> Any:
        """Return ``value`` as it is stored.

        :raises InvalidInput: with a sentence for the person who typed it.
        """
        if self.kind == "choice":
            known = [choice for choice, _label in self.choices]
            if value not in known:
                # The message lists values, not labels: only the API and YAML files can send an unknown one.
                names = ", ".join(choice for choice in known if choice)
                raise InvalidInput(_("Please choose one of: %(names)s.") % {"names": names})
            return self.values(value) if self.values else str(value)
        if isinstance(value, str) and len(value.replace("\r\n", "\n")) > self.max_length:
            raise InvalidInput(
                _("This is %(length)d characters long; at most %(limit)d are possible.")
                % {"length": len(value), "limit": self.max_length}
            )
        return super().clean(value)

    def get(self, hub: Hub) -> Any:
        """Return the value that a hub has; the default where it has none."""
        value = (hub.extras or {}).get(self.name) if self.stored_in == "extras" else getattr(hub, self.name)
        if value is None:
            return self.values(self.default) if self.values else self.default
        return value

    def set(self, hub: Hub, value: Any) -> None:
        """Set a value that `clean` returned."""
        if self.stored_in == "extras":
            hub.extras[self.name] = value
        else:
            setattr(hub, self.name, value)


def _extra(name: str, label: str, **more: Any) -> HubField:
    return HubField(name, label=label, stored_in="extras", page="general", **more)


def clean_sites(value: Any) -> str:
    """Return the sites that may embed widgets, separated by blanks: ``*``, or origins such as https://example.org.

    The result is part of a Content-Security-Policy, so nothing else may pass.

    :raises InvalidInput: for anything else.
    """
    sites = sorted({site.lower().rstrip("/") for site in re.split(r"[\s,]+", str(value or "")) if site})
    if not all(site == "*" or _SITE.fullmatch(site) for site in sites) or len(sites) > MOST_SITES:
        raise InvalidInput(
            _("Please write at most %(most)s addresses such as https://blog.example.org, or * for every site.")
            % {"most": MOST_SITES}
        )
    return "*" if "*" in sites else " ".join(sites)


#: All fields, in the order of forms and documents.
HUB_FIELDS: tuple[HubField, ...] = (
    HubField(
        "managed_in",
        label=N_("Managed in"),
        help=N_("Address of the file that this hub is applied from; its pages are then read-only."),
        permission="operate",
        in_api=False,
    ),
    HubField(
        "display_name",
        label=N_("Title"),
        help=N_("The name that people see. If empty, the URL name."),
        validator=visible_text.clean_name,
        page="general",
        on_create=True,
    ),
    HubField(
        "summary",
        label=N_("Summary"),
        help=N_("One line of at most 128 characters."),
        max_length=SUMMARY_LENGTH,
        page="general",
        on_create=True,
        in_lists=True,
    ),
    HubField(
        "description",
        label=N_("Description"),
        help=N_("Shown on the page About and above the widgets. You can use Markdown."),
        kind="markdown",
        max_length=MARKDOWN,
        page="general",
    ),
    HubField(
        "banner",
        label=N_("Colours"),
        kind="choice",
        default=Banner.SITE.value,
        choices=BANNERS,
        page="appearance",
    ),
    HubField(
        "pattern",
        label=N_("Pattern"),
        kind="choice",
        default=Pattern.RINGS.value,
        choices=PATTERNS,
        page="appearance",
    ),
    HubField(
        "presence",
        label=N_("Who is here now"),
        help=N_("How many people are on the pages of a team: of those whose activity the reader may see."),
        kind="choice",
        default=Presence.SHOWN.value,
        choices=[(Presence.SHOWN.value, N_("Shown in the banner")), (Presence.HIDDEN.value, N_("Not shown"))],
        page="appearance",
    ),
    HubField(
        "icon",
        label=N_("Icon"),
        help=N_("The emblem of a team, instead of letters."),
        kind="choice",
        default=HubIcon.NONE.value,
        choices=ICONS,
        page="appearance",
    ),
    HubField(
        "avatar",
        label=N_("Avatar"),
        help=N_("One or two letters, or an emoji. If empty, the first letter of the title."),
        validator=visible_text.clean_avatar,
        page="appearance",
    ),
    HubField(
        "left_width",
        label=N_("Width of the left column"),
        help=N_("In twelfths of the page: 8 leaves a third for the right column."),
        kind="number",
        default=8,
        minimum=1,
        maximum=GRID - 1,
        page="appearance",
    ),
    HubField(
        "visibility",
        label=N_("Who can see this hub"),
        kind="choice",
        default=Visibility.PUBLIC.value,
        choices=[
            (Visibility.PUBLIC.value, N_("Everybody")),
            (Visibility.SIGNED_IN.value, N_("People who are signed in")),
            (Visibility.MEMBERS.value, N_("Members only")),
            (Visibility.OWNERS.value, N_("Owners only")),
        ],
        values=Visibility,
        page="general",
        on_create=True,
        in_lists=True,
    ),
    HubField(
        "join_mode",
        label=N_("How people join"),
        kind="choice",
        default=JoinMode.REQUEST.value,
        choices=[
            (JoinMode.REQUEST.value, N_("By request: an owner approves")),
            (JoinMode.OPEN.value, N_("Open: anyone can join")),
            (JoinMode.INVITATION.value, N_("By invitation only")),
        ],
        values=JoinMode,
        page="members",
    ),
    HubField(
        "join_conditions",
        label=N_("What you ask of people who want to join"),
        help=N_("Shown before they ask. Markdown."),
        kind="markdown",
        max_length=MARKDOWN,
        page="members",
    ),
    HubField(
        "first_steps",
        label=N_("First steps"),
        help=N_("Shown to people who follow the team and are new here: what to read and try first. Markdown."),
        kind="markdown",
        max_length=MARKDOWN,
        stored_in="extras",
        page="members",
    ),
    HubField(
        "group_name",
        label=N_("Group"),
        help=N_("The group of the account system whose members are this hub's members."),
        max_length=64,
        permission="operate",
        in_api=False,
    ),
    HubField(
        "archived",
        label=N_("Archived"),
        help=N_("Read-only, and absent from menus. Owners restore a hub by setting this alone."),
        kind="switch",
        default=False,
        permission="own",
        in_lists=True,
    ),
    _extra(
        "embed_on",
        N_("Sites that may embed widgets"),
        help=N_(
            "Addresses such as https://blog.example.org, or * for every site. Only public widgets can be embedded."
        ),
        validator=clean_sites,
    ),
    _extra("website", N_("Website"), help=N_("For example https://docs.example.org."), contact=N_("Website")),
    _extra("chat", N_("Chat"), help=N_("An address, or the name of a channel."), contact=N_("Chat")),
    _extra("chat_nick", N_("Chat nick"), help=N_("The name that is used there.")),
    _extra("mailing_list", N_("Mailing list"), contact=N_("Mailing list"), link="mailto:{}"),
    _extra("calendar", N_("Calendar"), help=N_("Its name in the calendar service."), contact=N_("Calendar")),
    _extra("pagure_username", N_("Pagure username"), contact="Pagure", link="https://pagure.io/user/{}"),
    _extra("github_username", N_("GitHub username"), contact="GitHub", link="https://github.com/{}"),
    _extra("gitlab_username", N_("GitLab username"), contact="GitLab", link="https://gitlab.com/{}"),
    _extra(
        "forgejo_username",
        N_("Forgejo username"),
        contact="Forgejo",
        link="https://{}",
        help=N_("With the server: codeberg.org/name."),
    ),
    _extra("bugzilla_email", N_("Bugzilla email")),
)


def on_page(page: Page) -> tuple[HubField, ...]:
    """Return the fields of one page of a hub's settings."""
    return tuple(field for field in HUB_FIELDS if field.page == page)


def values(hub: Hub, fields: Sequence[HubField]) -> dict[str, Any]:
    """Return the values that a hub has, by the names of fields."""
    return {field.name: field.get(hub) for field in fields}
