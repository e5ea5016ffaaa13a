"""All clients, created from the settings for use by widgets."""

from functools import cached_property
from typing import TYPE_CHECKING

from hubs import __version__
from hubs.cache import Cache
from hubs.clients.anitya import Anitya
from hubs.clients.badges import Badges
from hubs.clients.bodhi import Bodhi
from hubs.clients.bugzilla import Bugzilla
from hubs.clients.community.discourse import Discourse
from hubs.clients.community.matrix import Matrix
from hubs.clients.community.statuspage import StatusPage
from hubs.clients.community.weblate import Weblate
from hubs.clients.copr import Copr
from hubs.clients.documents import Documents
from hubs.clients.fedocal import Fedocal
from hubs.clients.feeds import Feeds
from hubs.clients.forges.forgejo import Forgejo
from hubs.clients.forges.github import GitHub
from hubs.clients.forges.gitlab import GitLab
from hubs.clients.forges.pagure import Pagure
from hubs.clients.http.client import HTTP
from hubs.clients.http.politeness import Policy
from hubs.clients.http.ssrf import networks
from hubs.clients.koji import Koji
from hubs.clients.libravatar import Libravatar
from hubs.clients.packager import PackagerDashboard
from hubs.settings import Settings
from hubs.signed_cache import SignedCache

if TYPE_CHECKING:
    from hubs.clients.calendars import Calendars


class Clients:
    """One client per service, on one HTTP layer; connections are opened by the first request."""

    def __init__(self, settings: Settings, cache: Cache | None = None, policy: Policy | None = None) -> None:
        agent = f"FedoraHubs/{__version__} (+{settings.site_url})"
        signed = SignedCache(cache, settings.key()) if cache is not None else None
        self.http = HTTP(agent, signed, networks(settings.allowed_private_networks), policy)
        self.badges = Badges(self.http, settings.badges_url)
        self.bodhi = Bodhi(self.http, settings.bodhi_url)
        self.bugzilla = Bugzilla(self.http, settings.bugzilla_url, settings.bugzilla_key, settings.review_product)
        self.feeds = Feeds(self.http)
        self.documents = Documents(self.http)
        self.discourse = Discourse(self.http, settings.discourse_url)
        self.fedocal = Fedocal(self.http, settings.fedocal_url)
        self.koji = Koji(self.http, settings.koji_url)
        self.libravatar = Libravatar(self.http, settings.libravatar_url, settings.libravatar_identity)
        self.copr = Copr(self.http, settings.copr_url)
        self.anitya = Anitya(self.http, settings.anitya_url)
        self.packager = PackagerDashboard(self.http, settings.packager_dashboard_url)
        self.pagure = Pagure(self.http, settings.pagure_url, settings.pagure_token)
        self.github = GitHub(self.http, settings.github_api_url, settings.github_token)
        self.gitlab = GitLab(self.http, settings.gitlab_url, settings.gitlab_token)
        self.forgejo = Forgejo(self.http, settings.forgejo_url, settings.forgejo_token)
        self.matrix = Matrix(self.http, settings.matrix_url)
        self.statuspage = StatusPage(self.http, settings.status_url)
        self.weblate = Weblate(self.http, settings.weblate_url)

    @cached_property
    def calendars(self) -> "Calendars":
        """The client of iCalendar files, with two libraries that few hubs need."""
        from hubs.clients.calendars import Calendars  # noqa: PLC0415 - takes long to load

        return Calendars(self.http)

    def close(self) -> None:
        """Close all connections."""
        self.http.close()
