"""Signing in: invited people only, and demo sign-ins from this machine only."""

from __future__ import annotations

import ipaddress
import logging
import time
from typing import Any

from allauth.account import app_settings as account_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.utils import user_pk_to_url_str
from allauth.core import context
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.cache import caches
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.connection import ConnectionProxy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from crm import audit
from crm.models import User

log = logging.getLogger("baton.signin")
BURST = 300
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")
SILENT_MESSAGES = ("account/messages/logged_in.txt", "account/messages/logged_out.txt")


def client_address(request: HttpRequest) -> str:
    """Return the caller's address; a forwarded one counts only behind a proxy we trust."""
    direct = request.META.get("REMOTE_ADDR", "")
    if direct not in settings.TRUSTED_PROXIES:
        return direct
    forwarded = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    untrusted = [address for address in forwarded if address not in settings.TRUSTED_PROXIES]
    return untrusted[-1] if untrusted else direct


def from_this_machine(request: HttpRequest | None) -> bool:
    """Whether the request came over the loopback interface, and not through a proxy that happens to run here."""
    if request is None:
        return False
    direct = request.META.get("REMOTE_ADDR", "")
    if direct not in settings.TRUSTED_PROXIES and any(request.META.get(name) for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(client_address(request)).is_loopback
    except ValueError:
        return False


def is_own_address(request: HttpRequest, url: str | None) -> bool:
    """Whether `url` stays on the host this request was sent to (I48)."""
    return url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())


def proved_recently(request: HttpRequest) -> bool:
    """Whether the person gave a password, code or passkey within the last fifteen minutes."""
    records = get_authentication_records(request, request.user)  # type: ignore[arg-type]
    return bool(records) and time.time() - records[-1]["at"] < account_settings.REAUTHENTICATION_TIMEOUT


def password_link(user: User) -> str:
    """Return the link that lets `user` choose a password: three days, one use, nobody else's."""
    key = f"{user_pk_to_url_str(user)}-{EmailAwarePasswordResetTokenGenerator().make_token(user)}"
    return _password_address(key)


def _password_address(key: str) -> str:
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
    return settings.SITE_URL + path.replace("UID-KEY", key)


def keep_limits_in_the_database() -> None:
    """Let allauth count attempts in the cache "limits"; by itself it takes the default one, which may forget."""
    ratelimit.cache = ConnectionProxy(caches, "limits")


class DemoSignInsStayHome(ModelBackend):
    """Not a way to sign in: it only stops demo people from anywhere but this machine."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:  # type: ignore[override]
        email = str(credentials.get("email") or credentials.get("username") or "").lower()
        if User.objects.filter(email=email, is_demo=True).exists() and not from_this_machine(request):
            User().set_password(credentials.get("password"))  # as long as a wrong password takes
            raise PermissionDenied


class AccountAdapter(DefaultAccountAdapter):
    """People are added by an admin; nobody signs up by themselves."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": _("E-mail or password is not right."),
        "too_many_login_attempts": _("Too many attempts. Wait five minutes, or set a new password by e-mail."),
        "incorrect_password": _("This password is not right."),
        "incorrect_code": _("This code is not right. Codes change every 30 seconds."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_safe_url(self, url: str) -> bool:
        return is_own_address(context.request, url)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return the page the person likes to begin with."""
        try:
            return reverse(getattr(request.user, "start_page", "") or "today")
        except NoReverseMatch:
            return "/"

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link in the mail; it names the configured site, never the Host header (I49)."""
        return _password_address(key)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write in the language of the person, and name the configured site."""
        reader = context.get("user")
        with translation.override(getattr(reader, "language", None) or translation.get_language()):
            super().send_mail(template_prefix, email, {"site_url": settings.SITE_URL, **context})

    def add_message(self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any) -> None:  # noqa: E501 # fmt: skip
        """Leave out what the next page shows anyway: that one is signed in, or out."""
        if message_template not in SILENT_MESSAGES:
            super().add_message(request, level, message_template, *args, **kwargs)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        """Stop demo people from afar, whichever way they came: password, passkey or reset link."""
        if getattr(user, "is_demo", False) and not from_this_machine(request):
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def reauthenticate(self, user: AbstractBaseUser, password: str) -> bool:
        """Check the signed-in person's password once more, with the limits of signing in."""
        found = self.authenticate(context.request, email=user.email, password=password)  # type: ignore[attr-defined]
        return found is not None and found.pk == user.pk

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Slow down guessing, and leave one line in the audit log for each burst of it."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            note_burst(str(credentials.get("email", "")))
            raise

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count per account and address: whoever guesses locks out nobody but themselves (I52)."""
        login = str(credentials.get("email", credentials.get("username", ""))).lower()
        return f"{client_address(request)}:{login}"


def note_burst(email: str) -> None:
    """Write into the audit log that somebody guesses at an account; once in five minutes."""
    user = User.objects.filter(email=email.lower()).first()
    subject = f"user:{user.pk}" if user else "user:unknown"
    if caches["limits"].add(f"burst:{subject}", 1, BURST):
        audit.record(None, "signin.slowed", subject)
        log.warning("too many attempts to sign in as %s", subject)
