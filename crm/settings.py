"""Settings of Baton, by headings. Every knob comes from the environment (docs/configuration.md)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from crm import environment
from crm.environment import env

BASE_DIR = Path(__file__).resolve().parent.parent

# --- The installation -------------------------------------------------------------------------

DATA_DIR = environment.read("DATA_DIR", environment.data_dir, str(BASE_DIR / "var"), meaning="a folder we may write to")
DEBUG = environment.read("DEBUG", environment.boolean, "0", meaning="1 or 0")
PORT = environment.read("PORT", environment.port, "8000", meaning="a port from 1 to 65535")
SITE_URL = environment.read(
    "SITE_URL", environment.site_url, f"http://127.0.0.1:{PORT}", meaning="an address like https://crm.example.com"
)
ALLOWED_HOSTS = environment.read(
    "ALLOWED_HOSTS",
    environment.words,
    f"127.0.0.1,localhost,[::1],{SITE_URL.split('://')[1].rsplit(':', 1)[0]}",
    meaning="host names, split by commas",
)
TRUSTED_PROXIES = environment.read("TRUSTED_PROXIES", environment.words, "", meaning="addresses, split by commas")
HTTPS = SITE_URL.startswith("https://")
DEMO = environment.read("DEMO", environment.boolean, "1", meaning="1 or 0")
LOOPBACK = SITE_URL.split("://")[1].rsplit(":", 1)[0] in {"127.0.0.1", "localhost", "[::1]"}

# --- Databases, queue, cache ------------------------------------------------------------------

REDIS_URL = environment.read(
    "REDIS_URL", environment.redis_address, "", meaning="an address like redis://127.0.0.1:6379/0"
)
SECRET_KEY = environment.secret_key(DATA_DIR, shared=bool(REDIS_URL))
DATABASES: dict[str, dict[str, Any]] = {
    "default": environment.read(
        "DATABASE_URL",
        environment.database,
        f"sqlite:///{quote(str(DATA_DIR))}/baton.sqlite3",
        meaning="sqlite:///… or postgres://user:password@host:5432/name",
    )
}
SQLITE = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
if SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728;"
            " PRAGMA cache_size=-20000; PRAGMA journal_size_limit=67108864;"
        ),
    }
else:
    DATABASES["default"].setdefault("OPTIONS", {})["connect_timeout"] = 5
    DATABASES["default"] |= {"CONN_MAX_AGE": 300, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "crm.cache.ForgivingRedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    ),
    # What slows guessing must be true for every process and survive a restart: it stands in the database.
    "limits": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "crm_ratelimit",
        "OPTIONS": {"MAX_ENTRIES": 50_000},
    },
}

# --- Worker (work state is in the database; the broker only wakes) ------------------------------

WAKE_WORKERS = True
EMBEDDED_BEAT = not REDIS_URL
VISIBILITY_TIMEOUT = 600
CELERY_BROKER_URL = REDIS_URL or "sqlitebroker://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"visibility_timeout": VISIBILITY_TIMEOUT}
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS["path"] = str(DATA_DIR / "broker.sqlite3")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_VISIBILITY_TIMEOUT = VISIBILITY_TIMEOUT
CELERY_RESULT_BACKEND = None
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": VISIBILITY_TIMEOUT}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = CELERY_EVENT_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_BEAT_SCHEDULER = "crm.celery:InMemoryScheduler"
CELERY_TIMEZONE = "UTC"
if REDIS_URL:  # the embedded pool of threads knows no limits and no children; a supervisor watches its heartbeat
    CELERY_TASK_SOFT_TIME_LIMIT = 120
    CELERY_TASK_TIME_LIMIT = 180
    CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000

# --- Applications -----------------------------------------------------------------------------

AUTH_USER_MODEL = "crm.User"
INSTALLED_APPS = [
    "crm",
    "leads",
    "scoring",
    "crm.admin_config.BatonAdmin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "django_fsm",
    "csp",
    "lucide",
    "anymail",
]
MIDDLEWARE = [
    "crm.middleware.roomy_stack",
    "crm.middleware.browser_rights",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "crm.middleware.locale",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crm.middleware.known_person",
    "crm.middleware.session_limits",
    "crm.middleware.personal_preferences",
    "crm.middleware.way_back",
    "crm.middleware.wrong_method",
    "allauth.account.middleware.AccountMiddleware",
    "crm.middleware.first_steps",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.context.shell",
            ],
        },
    },
]

FORM_RENDERER = "crm.rendering.FormRenderer"

# --- Language and time ------------------------------------------------------------------------

LANGUAGES = [("en", _("English")), ("de", _("German"))]
LANGUAGE_CODE = environment.read("LANGUAGE_CODE", environment.one_of("en", "de"), "en", meaning="en or de")
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = environment.read(
    "TIME_ZONE", environment.time_zone, "Europe/Berlin", meaning="a time zone like Europe/Berlin"
)
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["crm.formats"]
USE_THOUSAND_SEPARATOR = False  # a number in an address must stay one; what people read goes through |count

# --- Sign-in ----------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "crm.signin.DemoSignInsStayHome",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "today"
PASSWORD_RESET_TIMEOUT = int(timedelta(days=3).total_seconds())
ACCOUNT_ADAPTER = "crm.signin.AccountAdapter"
ACCOUNT_FORMS = {"login": "crm.signin_forms.SignInForm"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=15).total_seconds())
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "30/m/ip,5/5m/key",
    "reset_password": "20/m/ip,3/10m/key",
}
SOCIALACCOUNT_ONLY = False
MFA_SUPPORTED_TYPES = ["recovery_codes", "totp", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Baton"
MFA_FORMS = {
    "authenticate": "crm.signin_forms.CodeForm",
    "reauthenticate": "crm.signin_forms.CodeAgainForm",
    "activate_totp": "crm.signin_forms.ActivateCodesForm",
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = LOOPBACK
SESSION_ENGINE = "crm.sessions"
SESSION_COOKIE_AGE = int(timedelta(hours=12).total_seconds())  # idle time; thirty days in all, see crm/sessions.py
SESSION_SAVE_EVERY_REQUEST = False

# --- Mail -------------------------------------------------------------------------------------

_mail = environment.read(
    "EMAIL_URL", env.email_url_config, "consolemail://", meaning="an address like smtp://user:pw@host:587"
)
vars().update(_mail)
EMAIL_DELIVERY_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_BACKEND = "crm.outbox.OutboxEmailBackend"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.read("DEFAULT_FROM_EMAIL", str, "Baton <baton@localhost>", meaning="a sender")

#: What proves that a webhook comes from the mail provider; docs/email.md. Without its secret a provider is refused.
ANYMAIL: dict[str, Any] = {
    "WEBHOOK_SECRET": environment.read(
        "ANYMAIL_WEBHOOK_SECRET", environment.sign_ins, "", meaning="user:password with at least 16 characters",
        secret=True,
    ),
    "MANDRILL_WEBHOOK_URL": f"{SITE_URL}/anymail/mandrill/tracking/",
    **{
        name: environment.read(f"ANYMAIL_{name}", environment.ascii_text, "", meaning="plain text", secret=True)
        for name in (
            "MAILGUN_WEBHOOK_SIGNING_KEY", "MAILERSEND_SIGNING_SECRET", "MANDRILL_WEBHOOK_KEY", "POSTAL_WEBHOOK_KEY",
            "UNISENDER_GO_API_KEY",
        )
    },
}  # fmt: skip
MAIL_SCANNER_NETWORKS = environment.read(
    "MAIL_SCANNER_NETWORKS", environment.networks, "", meaning="networks like 203.0.113.0/24, split by commas"
)

# --- Security ---------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/csp-reports/"],
    }
}
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [SITE_URL]
CSRF_FAILURE_VIEW = "crm.views.errors.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = False  # the proxy in front does it; see docs/operator.md
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None

# --- Static files -----------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 300

# --- Tracking ---------------------------------------------------------------------------------

TRACKING_PER_SECOND = environment.read(
    "TRACKING_PER_SECOND", environment.positive, "5000", meaning="a whole number above 0"
)

# --- Webhooks ---------------------------------------------------------------------------------

WEBHOOK_ALLOW_PRIVATE_NETWORKS = environment.read(
    "WEBHOOK_ALLOW_PRIVATE_NETWORKS", environment.boolean, "0", meaning="1 or 0"
)
WEBHOOK_ALLOW_HTTP = environment.read("WEBHOOK_ALLOW_HTTP", environment.boolean, "0", meaning="1 or 0")
WEBHOOK_PORTS = environment.read(
    "WEBHOOK_PORTS", environment.ports, "443,80,8443", meaning="ports from 1 to 65535, split by commas"
)

# --- API --------------------------------------------------------------------------------------

API_REQUESTS_PER_MINUTE = environment.read(
    "API_REQUESTS_PER_MINUTE", environment.positive, "600", meaning="a whole number from 1"
)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["crm.api.authentication.Bearer"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "crm.api.authentication.HasScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["crm.api.authentication.PerToken"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.json_body.JSONBody"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "crm.api.negotiation.AlwaysJSON",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "crm.api.problems.answer",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Baton",
    "VERSION": "1",
    "DESCRIPTION": "The life of a lead from marketing to sales. docs/api.md explains scopes, paging and errors.",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
    "POSTPROCESSING_HOOKS": ["crm.api.schema.finish"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/icons/baton.svg",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "displayOperationId": True, "docExpansion": "none"},
}

# --- Logs (ids only, never a name or an address) ------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"baton": {"level": "INFO"}},
}
