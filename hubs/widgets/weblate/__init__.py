"""How far a project or a component on Weblate is translated: a bar for each language, with the figures beside it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from hubs.clients.community.weblate import Progress, translated
from hubs.errors import NeedsSetup, UpstreamForbidden
from hubs.i18n import N_, _
from hubs.models import Widget as Row
from hubs.widgets.base import Widget
from hubs.widgets.caching import CachedFunction, Interest
from hubs.widgets.keys import key_for, settings_of_hub
from hubs.widgets.paging import cut
from hubs.widgets.parameters import Parameter
from hubs.widgets.view import RootWidgetView


class Translations(Widget):
    """Progress of translations."""

    name = "weblate"
    label = N_("Translations")
    summary = N_("How far a project or a component on Weblate is translated, language by language.")
    icon = "languages"
    position = "any"
    lifetime = 3600
    parameters: ClassVar = [
        Parameter(
            "address",
            label=N_("Address"),
            default="",
            kind="url",
            help=N_("The address of a project or a component on Weblate, as your browser shows it."),
        ),
        Parameter("limit", label=N_("Languages shown"), default=8, kind="number", minimum=1, maximum=50),
    ]


class GetProgress(CachedFunction):
    """Asks Weblate."""

    def interests(self) -> list[Interest]:
        """Match messages about the project or the component, and the hub's settings for its keys."""
        what = translated(str(self.instance.config["address"]))
        if what is None:
            return []
        return [Interest(("weblate",), "project", what.subject), settings_of_hub(self.instance)]

    def execute(self) -> Progress:
        """Return the progress.

        :raises NeedsSetup: when no project is named, or its address may not be read.
        :raises UpstreamError: when there is no usable response.
        """
        address = self.instance.config["address"]
        if not address:
            raise NeedsSetup(
                _("Which translations? An owner can write the address of a project in this widget's settings.")
            )
        what = translated(str(address))
        if what is None:
            raise NeedsSetup(
                _(
                    "This is not the address of a project on Weblate, which contains /projects/. "
                    "An owner can correct it in this widget's settings."
                )
            )
        key = key_for(self.instance, str(address))
        try:
            return self.clients.weblate.progress(what, f"hub:{self.instance.hub_id}", key)
        except UpstreamForbidden as error:
            raise NeedsSetup(str(error)) from None


class TranslationsView(RootWidgetView):
    """Shows the languages."""

    paged = True

    def get_context(self, instance: Row, *args: Any, page: int = 0, **kwargs: Any) -> Mapping[str, Any]:
        """Return the progress, and the languages to show."""
        progress = GetProgress(instance)()
        return {"progress": progress, "languages": cut(progress.languages, instance.config["limit"] or 8, page)}
