"""The settings of one process: as declared, checked against one another, with the values that follow from them."""

from typing import get_args

from pydantic import ValidationInfo, field_validator, model_validator

from hubs.errors import BadSetting
from hubs.settings.declaration import DeclaredSettings
from hubs.settings.secret_key import SecretKey, generated_file, generated_key, parse_keys
from hubs.settings.types import CommunityServiceURL, pairs


class Settings(DeclaredSettings):
    """The settings of one process; immutable."""

    @field_validator("build_budget")
    @classmethod
    def _budget(cls, value: float, info: ValidationInfo) -> float:
        if value >= info.data.get("build_timeout", value + 1):
            raise ValueError("it must be less than build_timeout, so that a build ends before another process starts")
        return value

    @model_validator(mode="after")
    def _client(self) -> "Settings":
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("oidc_client_id: the provider must know this instance by a name")
        return self

    @model_validator(mode="after")
    def _pictures(self) -> "Settings":
        if self.libravatar_url and "{username}" not in self.libravatar_identity:
            raise ValueError("libravatar_identity: write an address such as https://{username}.id.example.org/")
        return self

    @model_validator(mode="after")
    def _broker(self) -> "Settings":
        url = self.amqp_url.get_secret_value()
        if self.amqp_trust_groups and not (url.startswith("amqps://") and self.amqp_cert_file):
            raise ValueError("amqp_cert_file: amqp_trust_groups needs amqps:// and a certificate of our own")
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'hubs.db').absolute()}"

    @property
    def cache(self) -> str:
        """The cache URL in force."""
        return self.cache_url or f"sqlite:///{(self.data_dir / 'cache.db').absolute()}"

    @property
    def layouts(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """The (zone, widget) pairs of new hubs, by kind; empty where the settings leave them to us."""
        return {"team": pairs(self.team_widgets), "user": pairs(self.person_widgets)}

    @property
    def absent_services(self) -> frozenset[str]:
        """The settings that are empty because the community has no such service, or no reviews of packages."""
        (_text, check) = get_args(CommunityServiceURL)
        fields = type(self).model_fields.items()
        names = ["review_product", *(name for name, field in fields if check in field.metadata)]
        return frozenset(name for name in names if not getattr(self, name))

    @property
    def uses_generated_key(self) -> bool:
        """Whether the key may be a generated file: nothing else is configured, and the database is a file as well."""
        is_shared = bool(self.database_url) and not self.database_url.startswith("sqlite")
        return not self.secret_key.get_secret_value() and not is_shared

    def key(self) -> SecretKey:
        """Return the secret key with its former keys; if none is set, one that is generated once in ``data_dir``."""
        configured = self.secret_key.get_secret_value()
        if configured:
            return parse_keys(configured)
        if not self.uses_generated_key:
            raise BadSetting("HUBS_SECRET_KEY is empty: with a shared database every process needs the same long text.")
        return generated_key(generated_file(self.data_dir))
