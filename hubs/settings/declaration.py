"""The declaration of all settings: one entry each with name, type, default and one sentence."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hubs.settings.presets import Preset
from hubs.settings.types import (
    SERVICE_ACCOUNTS,
    Accent,
    BrokerURL,
    CacheURL,
    CommunityServiceURL,
    DarkAccent,
    DatabaseURL,
    Families,
    FooterLinks,
    IssuerURL,
    Layout,
    ListenAddress,
    LogoPath,
    Networks,
    OptionalServiceURL,
    RedisURL,
    ServiceURL,
    SiteURL,
    Token,
    TopicPrefix,
    Words,
)


class DeclaredSettings(BaseModel):
    """The settings as an operator writes them; `Settings` adds what follows from several of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["", Preset] = Field(
        "", description="Kind of community, whose values all other settings have unless they are set; empty means none."
    )
    data_dir: Path = Field(
        Path("var"), description="Folder for the embedded databases, the generated secret key and compiled templates."
    )
    database_url: DatabaseURL = Field(
        "", description="SQLAlchemy URL; empty means SQLite in data_dir. Production: postgresql+psycopg2://…"
    )
    cache_url: CacheURL = Field(
        "",
        description="memcached://host:11211[,host:port…], sqlite:///path, or null://; empty means SQLite in data_dir.",
    )
    redis_url: RedisURL = Field("redis://127.0.0.1:6379/0", description="Redis that carries the browsers' events.")
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Signs sessions, stream tokens and cached objects, and encrypts secrets; empty means a generated "
        "file. Several, comma-separated: the first signs, the others still verify.",
    )
    metrics_address: ListenAddress = Field(
        "",
        description="Address of /metrics, /livez and /readyz, such as 127.0.0.1:9464: the web app listens there; "
        "daemon, event server and worker on the next three ports. Empty means none. Never a public address.",
    )
    log: Literal["text", "json"] = Field("text", description="Format of the logs: one line per event, as text or json.")
    site_url: SiteURL = Field("http://127.0.0.1:8000", description="Address at which people reach the pages.")
    stream_url: str = Field(
        "/events", description="Address at which browsers reach the event stream; a path when on the same host."
    )
    site_name: str = Field("Fedora Hubs", description="Name of this instance, shown on every page.")
    site_description: str = Field(
        "A portal of live pages for the teams and people of a community.",
        max_length=200,
        description="What this instance is, in one sentence for search engines and previews of links.",
    )
    site_logo: LogoPath = Field("", description="Path of an SVG or PNG file to show as the logo; empty means ours.")
    site_accent: Accent = Field(
        "",
        description="Colour of buttons and links, such as #2554c7, with a contrast of 4.5 to white; empty means blue.",
    )
    site_accent_dark: DarkAccent = Field(
        "", description="The same for the dark theme; empty means that it is computed from site_accent."
    )
    footer_links: FooterLinks = Field(
        [], description="Links in the foot of every page, as Text=address, comma-separated; 12 at most."
    )
    admins: Words = Field([], description="Accounts that read the whole audit log, comma-separated.")
    hub_creation: Literal["everybody", "admins"] = Field(
        "everybody", description='Who may create hubs for teams: "everybody" (any signed-in person) or "admins".'
    )
    audit_days: int = Field(730, ge=1, description="Days for which the audit log is kept.")
    local_login: bool = Field(False, description="Sign-in without password; works on loopback only.")
    oidc_issuer: IssuerURL = Field(
        "",
        description="OpenID provider at which people sign in, as it names itself; empty means none.",
    )
    oidc_client_id: str = Field("", description="Name of this instance at the provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Its secret; empty for a public client.")
    oidc_scopes: Words = Field(
        ["openid", "profile"], description="Scopes to request, of which the provider may need another for groups."
    )
    oidc_username_claim: str = Field(
        "preferred_username",
        description="Claim with the username; for the default, nickname is used if the claim is missing.",
    )
    oidc_groups_claim: str = Field(
        "groups", description="Claim that lists a person's groups, if the provider has it; `/docs` is the group `docs`."
    )
    session_lifetime: int = Field(
        14 * 86400, ge=60, le=365 * 86400, description="Seconds until a person must sign in again."
    )
    session_idle: int = Field(
        3 * 86400,
        ge=60,
        le=365 * 86400,
        description="Seconds without a visit after which a person must sign in again.",
    )
    topic_prefix: TopicPrefix = Field(
        "org.example", description="First two words of the topics that we publish: your domain, turned round."
    )
    environment: Literal["dev", "stg", "prod"] = Field("dev", description="Third part of the topics that we publish.")
    publish: bool = Field(True, description="Whether changes made here are published on the bus.")
    trust_bus: bool = Field(
        False, description="Whether unsigned messages about groups, from bus or history, may change membership."
    )
    service_accounts: Words = Field(
        list(SERVICE_ACCOUNTS),
        description="Accounts of programs, comma-separated; their actions are not a person's activity.",
    )
    widgets: Words = Field([], description="Outside widgets, as module:ClassName, comma-separated.")
    team_widgets: Layout = Field(
        [], description="Widgets of a new team's hub from the top, such as left:feed,right:members; empty means ours."
    )
    person_widgets: Layout = Field([], description="The same for a new person's hub.")
    demo_messages: Families = Field(
        ["forgejo", "github", "gitlab", "wiki"],
        description="Families of demo messages: forgejo, github, gitlab, pagure, wiki, fedora.",
    )
    rebuild: Literal["threads", "celery"] = Field(
        "threads",
        description="Where fragments are built: threads (of the daemon), or celery (workers, on any machine).",
    )
    rebuild_threads: int = Field(
        4,
        ge=1,
        le=64,
        description="Concurrent builds in a daemon or worker; a daemon has further threads for widgets that query no "
        "upstream service.",
    )
    rebuild_interval: float = Field(
        1.0,
        ge=0,
        le=3600,
        description="Minimum seconds between two builds of a widget, eight times as many while nobody has its hub "
        "open; changes in between wait.",
    )
    build_timeout: int = Field(
        30, ge=1, le=600, description="Seconds after which another process may take over a build."
    )
    build_budget: float = Field(
        15.0, gt=0, le=500, description="Seconds after which a build is abandoned; less than build_timeout."
    )
    max_abandoned_builds: int = Field(
        16,
        ge=0,
        le=200,
        description="Threads per process that may be stuck in builds that timed out; further builds wait.",
    )
    web_build_threads: int = Field(
        4, ge=1, le=64, description="Threads that build fragments in one process of the web app."
    )
    fragment_ttl: int = Field(7 * 86400, ge=60, le=30 * 86400, description="Seconds a fragment stays in the cache.")
    sweep_interval: float = Field(
        30.0, gt=0, le=3600, description="Seconds between two checks for changes whose message was lost."
    )
    history_url: str = Field("", description="Datagrepper-shaped history service; empty means none.")
    history_interval: float = Field(
        120.0, ge=1, le=86400, description="Seconds between two queries of the history service for missed messages."
    )
    retention_days: int = Field(400, ge=1, description="Days for which messages of the bus are kept for feeds.")
    amqp_url: BrokerURL = Field(
        SecretStr(""),
        description="AMQP broker from which the daemon also reads, amqps://user:password@host/vhost; empty means none, "
        "or the one in the fedora-messaging file that FEDORA_MESSAGING_CONF names.",
    )
    amqp_queue: str = Field("hubs", min_length=1, description="Durable queue that is declared and read there.")
    amqp_bindings: Words = Field(["#"], description="Topics that the queue receives: # means any words, * one.")
    amqp_passive: bool = Field(False, description="Whether the queue is only checked, not declared.")
    amqp_prefetch: int = Field(500, ge=1, le=10_000, description="Messages that may wait here for their commit.")
    amqp_ca_file: str = Field("", description="Certificates of the authorities that may sign the broker's.")
    amqp_cert_file: str = Field("", description="Our own certificate for the broker.")
    amqp_key_file: str = Field("", description="The key of that certificate.")
    amqp_trust_groups: bool = Field(
        False,
        description="Whether messages about groups from the broker may change membership; needs TLS with our own "
        "certificate.",
    )
    amqp_publish: bool = Field(False, description="Whether our own changes are also published there.")
    message_limit: int = Field(
        1_000_000, ge=1000, description="Largest message of the bus, and largest delivery of a webhook, in bytes."
    )
    stream_log: int = Field(200, ge=10, description="Events kept per stream for browsers that reconnect.")
    stream_ttl: int = Field(3600, ge=60, description="Seconds for which those events are kept.")
    presence: bool = Field(
        True,
        description="Whether pages of teams show how many people are there, of those who share their activity.",
    )
    gallery: bool = Field(False, description="Whether /gallery/ shows every widget in every state.")
    push_rate: int = Field(60, ge=1, description="Requests per minute with one push token.")
    api_rate: int = Field(
        600, ge=1, description="API requests, and forms, per minute for each token, person or address."
    )
    upload_rate: int = Field(20, ge=1, description="Pictures that one person may upload per minute.")
    search_rate: int = Field(600, ge=1, description="Searches per minute for each person, or address of visitors.")
    webhook_rate: int = Field(
        120, ge=1, description="Requests per minute to one webhook from one address; more are refused with 429."
    )
    webhook_quota: int = Field(5000, ge=1, description="Deliveries per day that one webhook of a hub accepts.")
    token_ttl: int = Field(6 * 3600, ge=60, description="Seconds for which a page's stream token is good.")

    badges_url: CommunityServiceURL = Field("", description="Badges (Tahrir); empty means none.")
    bodhi_url: CommunityServiceURL = Field("", description="Bodhi, the system of updates; empty means none.")
    bugzilla_url: CommunityServiceURL = Field("", description="Bugzilla; empty means none.")
    bugzilla_key: Token = Field(SecretStr(""), description="API key for Bugzilla; sent to Bugzilla alone.")
    review_product: str = Field(
        "", description="Product in Bugzilla whose component Package Review has requests for reviews; empty means none."
    )
    discourse_url: CommunityServiceURL = Field(
        "", description="Our own Discourse, which may be in our own network; empty means none."
    )
    fedocal_url: CommunityServiceURL = Field("", description="Fedocal, the calendar; empty means none.")
    koji_url: CommunityServiceURL = Field("", description="Koji, which builds packages; empty means none.")
    copr_url: CommunityServiceURL = Field("", description="Copr, which builds for everybody; empty means none.")
    anitya_url: ServiceURL = Field("https://release-monitoring.org", description="Release monitoring (Anitya).")
    packager_dashboard_url: CommunityServiceURL = Field(
        "", description="The packager dashboard (Oraculum); empty means none."
    )
    pagure_url: ServiceURL = Field("https://pagure.io", description="Pagure.")
    pagure_token: Token = Field(SecretStr(""), description="Token for Pagure; sent to Pagure alone.")
    github_api_url: ServiceURL = Field("https://api.github.com", description="API of GitHub.")
    github_token: Token = Field(
        SecretStr(""),
        description="Token for GitHub, best without any scope; without one GitHub allows 60 requests per hour.",
    )
    gitlab_url: ServiceURL = Field("https://gitlab.com", description="Our own server with GitLab, or gitlab.com.")
    gitlab_token: Token = Field(
        SecretStr(""), description="Token for it with the scope read_api; without one it lists nothing by person."
    )
    forgejo_url: ServiceURL = Field("https://codeberg.org", description="Our own server with Forgejo, or codeberg.org.")
    forgejo_token: Token = Field(
        SecretStr(""), description="Token for our own Forgejo, best of an account without private projects."
    )
    matrix_url: OptionalServiceURL = Field(
        "",
        description="Homeserver of Matrix that is asked for all rooms; empty means that of each room. "
        "Such as https://matrix.example.org",
    )
    status_url: CommunityServiceURL = Field(
        "", description="The status page: a site with ongoing.json and planned.json; empty means none."
    )
    weblate_url: CommunityServiceURL = Field(
        "", description="Our own Weblate, which may be in our own network; empty means none."
    )
    libravatar_url: OptionalServiceURL = Field(
        "",
        description="Libravatar, from which people can take their picture; empty means none. "
        "Such as https://seccdn.libravatar.org",
    )
    libravatar_identity: str = Field(
        "", description="OpenID address of a person at Libravatar: https://{username}.id.example.org/"
    )
    allowed_private_networks: Networks = Field(
        [],
        description="Networks, such as 10.20.0.0/16, from which feeds may be read although they are not public.",
    )
