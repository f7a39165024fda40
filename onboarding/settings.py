"""Every environment variable, typed, with a safe default, checked when the program starts.

This is the only reader of the environment. `docs/settings.md` is generated from these fields.
"""

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from onboarding import tracing
from onboarding.setting_values import (
    broker,
    issuer,
    only_in_tests,
    origin,
    plain,
    ports,
    private,
    risky,
    roles,
    template,
    url,
    with_real_sellers,
)

PREFIX = "ONBOARDING_"
_PASSWORD = re.compile(r"(://[^:/?#]*:).*@")
_PASSWORD_OPTION = re.compile(r"([?&]\w*(?:password|secret)=)[^&]*", re.IGNORECASE)


class WrongSettings(Exception):
    """A setting holds something it may not; the text names it, what it holds and what it may hold."""


def _complete(value: str, others: ValidationInfo) -> str:
    """Another authorization server has to be found, and to let us in."""
    if value == "embedded":
        return value
    needed = ["url", "secret"] + (["client_id"] if value == "keycloak" else [])
    missing = [f"authorization_server_{name}" for name in needed]
    missing += ["token_url"] if value == "dynamic-registration" else []
    wanted = " and ".join(f"{PREFIX}{n.upper()}" for n in missing if not others.data.get(n))
    if wanted:
        raise ValueError(f"{value} only together with {wanted}")
    found = others.data.get("authorization_server_url", "")
    if value == "keycloak" and not re.search(r"/realms/[^/]+$", found):
        raise ValueError(f"keycloak only where {PREFIX}AUTHORIZATION_SERVER_URL ends in /realms/…")
    return value


class Settings(BaseSettings):
    """What a self-hoster may set. Durations are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    database_url: Annotated[str, url("sqlite", "postgresql")] = Field(
        "sqlite:///var/onboarding.db",
        description="Where onboardings live: sqlite:///path or postgresql+psycopg://user@host/name.",
    )
    broker_url: Annotated[str, url("redis", "rediss", "amqp", "amqps"), AfterValidator(broker)] = (
        Field(
            "",
            description="Celery's broker, redis://host:6379/0. Empty: tasks run inside the process.",
        )
    )
    smtp_url: Annotated[str, url("smtp", "smtps")] = Field(
        "",
        description="Mail server, smtp://user:password@host:587 (STARTTLS where offered) or smtps://."
        " Empty: e-mails are files in var/mail, with a page to read them.",
    )
    mail_from: str = Field(
        "API access <api-access@marketplace.example>", description="The sender of every e-mail."
    )
    host: str = Field("127.0.0.1", description="The address that the web process listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Its port; 0 takes a free one.")
    public_url: Annotated[str, AfterValidator(origin)] = Field(
        "",
        description="The address that people use, for links and sign-in. Empty: http://host:port.",
    )
    oidc_issuer: Annotated[str, AfterValidator(issuer)] = Field(
        "",
        description="The identity provider of seller accounts. Empty: the sandbox Seller Portal that"
        " this program serves, with sample sellers and no real account.",
    )
    oidc_client_id: str = Field("onboarding", description="Our client ID at that provider.")
    oidc_client_secret: str = Field("", description="Our client secret at that provider.")
    console_issuer: Annotated[str, AfterValidator(issuer)] = Field(
        "",
        description="The identity provider of operators. Empty: in the sandbox, a printed link opens"
        " the console; else nobody gets in.",
    )
    console_client_id: str = Field(
        "onboarding-console", description="Our client ID at that provider."
    )
    console_client_secret: str = Field("", description="Our client secret at that provider.")
    console_groups_claim: str = Field(
        "groups", description="The claim of its ID token or userinfo that lists a person's groups."
    )
    console_roles: Annotated[str, AfterValidator(roles)] = Field(
        "",
        description="Which group has which role: operators=operator, team-leads=lead. Of several"
        " the one that may most. Roles: viewer, auditor, operator, lead, admin.",
    )
    terminal_role: Literal["", "viewer", "auditor", "operator", "lead", "admin"] = Field(
        "",
        description="What commands do for whoever types them, as the console does: viewer, auditor,"
        " operator, lead or admin. Empty: everything. A guard against slips, no wall.",
    )
    four_eyes: Annotated[str, AfterValidator(risky)] = Field(
        "approve_aggregator,bulk",
        description="What a second person must agree to: actions by name, and bulk for those on"
        " many that take something back. Empty: nothing.",
    )
    api_requests_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        6000,
        description="What one API key may ask of one process; whoever asks for more is answered 429.",
    )
    marketplace_name: str = Field("Marketplace", description="The name that sellers read.")
    seller_portal_url: Annotated[str, AfterValidator(origin)] = Field(
        "https://seller-portal.example",
        description="Where sellers manage SOAP credentials, under Settings, User Rights Management.",
    )
    documentation_url: Annotated[str, AfterValidator(origin)] = Field(
        "https://developer.example/docs", description="The documentation of the REST API."
    )
    token_url: Annotated[str, AfterValidator(origin)] = Field(
        "",
        description="Where a program exchanges its client ID and secret for an access token. Empty:"
        " here, at /oauth2/token.",
    )
    authorization_server_url: Annotated[str, AfterValidator(origin), AfterValidator(private)] = (
        Field(
            "",
            description="The marketplace's own authorization server: its registration endpoint, or its"
            " Keycloak realm as in https://login.example/realms/sellers.",
        )
    )
    authorization_server_client_id: str = Field(
        "", description="Our client ID at that Keycloak, which may manage clients."
    )
    authorization_server_secret: str = Field(
        "",
        repr=False,
        description="Our client secret at that Keycloak, or the initial access token of that"
        " registration endpoint.",
    )
    authorization_server: Annotated[str, AfterValidator(_complete)] = Field(
        "embedded",
        pattern="^(embedded|dynamic-registration|keycloak)$",
        description="Which authorization server knows the clients that are made here: this one, or"
        " another that is told by RFC 7591 and 7592 or as a Keycloak.",
    )
    token_lasts: int = Field(
        900, ge=60, le=86_400, description="How long an access token is good for."
    )
    token_audience: str = Field(
        "",
        description="The API that access tokens are for, as its URL: their `aud`. Empty: the public"
        " URL and /v1.",
    )
    tokens_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        60,
        description="The access tokens that one client may ask of one process; then it hears 429.",
    )
    silence_days: Annotated[int, Field(ge=0, le=365)] = Field(
        7,
        description="After how many days without a call the owner of new credentials is asked once"
        " by e-mail. 0: never.",
    )
    secret_max_age_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="After how many days a client secret expires; its owner is told 90, 30, 7 and 1 days"
        " before, as far as that fits. 0: never.",
    )
    support_contact: str = Field(
        "api-support@marketplace.example", description="Who helps: an e-mail address or an URL."
    )
    secret_prefix: str = Field(
        "mps",
        pattern=r"^[a-z][a-z0-9]{1,9}$",
        description="First part of every client secret, so that scanners recognise a leaked one.",
    )
    live: Annotated[bool, AfterValidator(with_real_sellers)] = Field(
        False,
        description="Issue live credentials; needs ONBOARDING_OIDC_ISSUER. False: test credentials,"
        " marked so.",
    )
    keys_dir: Path = Field(
        Path("var/keys"),
        description="The keyring: made at first start, readable by its owner only.",
    )
    seal_key_days: int = Field(
        7,
        ge=0,
        le=365,
        description="After how many days whoever sweeps makes the next pair of seal keys, and destroys"
        " those before that nothing needs. 0: never, for hosts that have a copy of the keyring each.",
    )
    mail_dir: Path = Field(Path("var/mail"), description="Where e-mails go without a mail server.")
    worker_threads: int = Field(
        4, ge=1, le=64, description="Tasks at once where tasks run inside the process."
    )
    webhook_ports: Annotated[str, AfterValidator(ports)] = Field(
        "443", description="The ports at which endpoints of other systems may be, as in 443,8443."
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="The least that is logged."
    )
    api_key: str = Field(
        "", description="For commands with --url: the API key that they send. --key-file wins."
    )
    log_format: str = Field(
        "console", pattern="^(console|json)$", description="Log lines for people or for machines."
    )
    otlp_endpoint: Annotated[str, AfterValidator(origin), AfterValidator(tracing.check)] = Field(
        "",
        description="Where traces go, by OTLP over HTTP: http://collector:4318. It takes the extra"
        " onboarding[traces]. Empty: no traces.",
    )
    trace_url: Annotated[str, AfterValidator(template)] = Field(
        "",
        description="Where a trace is looked at: https://traces.example/trace/{trace_id}. The console"
        " links to it. Empty: no links.",
    )
    crash_at: Annotated[str, AfterValidator(only_in_tests)] = Field(
        "",
        description="For tests: where a process kills itself, as onboarding/crash_points.py says."
        " Not where credentials are live.",
    )

    @property
    def base_url(self) -> str:
        """The public URL without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def token_endpoint(self) -> str:
        """Where programs ask for a token, as pages tell them."""
        if self.authorization_server == "keycloak" and not self.token_url:
            return f"{self.authorization_server_url}/protocol/openid-connect/token"
        return self.token_url or f"{self.base_url}/oauth2/token"

    @property
    def tells_another(self) -> bool:
        """Whether clients are known to another authorization server, which gives them their tokens."""
        return self.authorization_server != "embedded"

    @property
    def audience(self) -> str:
        """The API that tokens are for."""
        return self.token_audience or f"{self.base_url}/v1"

    @property
    def ports_of_webhooks(self) -> frozenset[int]:
        """The ports, as numbers."""
        return frozenset(int(port) for port in self.webhook_ports.split(","))

    @property
    def sandbox(self) -> bool:
        """Whether sellers sign in at the sandbox Seller Portal instead of a real one."""
        return not self.oidc_issuer

    @property
    def issuer(self) -> str:
        """The issuer of seller identities."""
        return self.oidc_issuer or f"{self.base_url}/sandbox/seller-portal"


@cache
def settings() -> Settings:
    """The settings of this process. Raises WrongSettings with one line per wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSettings("\n".join(_explain(e) for e in error.errors())) from None


def masked(url: str) -> str:
    """An URL without its password, wherever it stands."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1***@", url))


def _explain(error: object) -> str:
    """One line: the variable, what it holds, and what it may hold."""
    assert isinstance(error, dict)
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    may_hold = plain(str(error["msg"]))
    return (
        f"{PREFIX}{name.upper()} holds {masked(str(error['input']))!r}; it may hold: {may_hold}."
        f" ({field.description})"
    )
