"""Fragments for ``hubs widget dev``: errors are shown in the widget itself, with the traceback."""

import traceback
from collections.abc import Mapping
from dataclasses import replace

from markupsafe import Markup

from hubs.fragments.fragment import Fragment, digest_of
from hubs.fragments.store import FragmentStore
from hubs.models import Widget
from hubs.testing.interests import check_interests
from hubs.widgets.registry import WidgetType

_BOX = Markup(
    '<div class="panel"><h2 class="panel-title" id="title-{}">{}</h2><div class="panel-content">'
    '<p class="panel-problem" role="status">{}</p><pre class="one-liner" tabindex="0">{}</pre></div></div>'
)


class BenchFragments(FragmentStore):
    """Fragments for the author of a widget; never for a page that others see."""

    #: Import errors of widgets, by name.
    trouble: Mapping[str, Exception] = {}

    def _registered(self, row: Widget) -> WidgetType:
        if row.plugin in self.trouble:
            raise self.trouble[row.plugin]
        widget_type = super()._registered(row)
        check_interests(widget_type, row)
        return widget_type

    def _last_good(self, row: Widget, locale: str, error: Exception) -> Fragment:
        text = "".join(traceback.format_exception(error, chain=True)[-30:])
        html = str(_BOX.format(row.id, self._title(row), f"{type(error).__name__}: {error}", text))
        fragment = super()._last_good(row, locale, error)
        return replace(fragment, html=html, digest=digest_of(html, "failed"), state="failed", version=row.version)
