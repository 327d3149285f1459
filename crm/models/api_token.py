"""A key for programs: it acts as its user, narrowed by scopes. Only a hash of the secret is stored."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.models.base import FieldwiseModel


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def valid(self) -> ApiTokenQuerySet:
        """Neither revoked nor expired, and their people still work here."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True)


class ApiToken(FieldwiseModel):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(_("What it is for"), max_length=120)
    prefix = models.CharField(max_length=8, unique=True, help_text="Shown, so that people can tell tokens apart.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the secret.")
    scopes = models.JSONField(_("What it may do"), default=list)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    exposed_at = models.DateTimeField(null=True, help_text="Seen in an address, where logs and histories keep it.")
    replaced_by = models.OneToOneField("self", models.SET_NULL, null=True, related_name="replaces")
    minute = models.BigIntegerField(default=0, help_text="The minute `used` counts, since 1970.")
    used = models.PositiveIntegerField(default=0)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    @property
    def scopes_in_words(self) -> list[str]:
        """Return what it may do, as sentences for people."""
        from crm.api.scopes import SCOPES

        return [str(SCOPES.get(scope, scope)) for scope in self.scopes]

    @property
    def state(self) -> str:
        """Return 'revoked', 'expired', 'exposed', 'replaced' or 'valid'; the first that is true."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= timezone.now():
            return "expired"
        if self.exposed_at:
            return "exposed"
        return "replaced" if self.replaced_by_id else "valid"


class KeptReply(models.Model):
    """What a POST with an Idempotency-Key was answered, so that the same request has one effect (R5).

    `status` is NULL while the request runs; after `lease_until` it counts as dead and the key is free again.
    """

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="")
    lease_until = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="crm_keptreply_once")]
