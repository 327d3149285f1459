"""The door for mail providers: what became of mails, signed by the provider, each event once."""

from __future__ import annotations

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm.mail_events import intake, providers
from crm.rate_limits import times_this_minute

WRONG_PER_MINUTE = 60


@csrf_exempt  # each request is signed by the provider, or bears the password of ANYMAIL_WEBHOOK_SECRET
@require_http_methods(["HEAD", "POST"])
def receive(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a webhook. Providers send again what is not answered by 200: then it is known and changes nothing."""
    door = providers.find(provider)
    if door is None:
        return JsonResponse({"detail": _("No secret of this mail provider is set.")}, status=404)
    if request.method == "HEAD":
        return HttpResponse()
    try:
        receipt = intake.take(door.key, door.events(request))
    except providers.Stranger:
        return _stranger(request)
    except providers.Unreadable as error:
        intake.unreadable(door.key, str(error))
        return JsonResponse({"detail": _("The request is signed, but it cannot be read.")}, status=400)
    except OperationalError:
        return JsonResponse({"detail": _("Busy. Send it again.")}, status=503, headers={"Retry-After": "2"})
    counts = {name: getattr(receipt, name) for name in ("accepted", "duplicates", "refused", "quarantined")}
    return JsonResponse(counts)


def _stranger(request: HttpRequest) -> HttpResponse:
    """Answer who cannot prove to be the provider; guessing is slowed."""
    if times_this_minute("mail_events", request) > WRONG_PER_MINUTE:
        return JsonResponse({"detail": _("Too many tries.")}, status=429, headers={"Retry-After": "60"})
    headers = {"WWW-Authenticate": 'Basic realm="Baton"'}
    return JsonResponse({"detail": _("The signature or password is wrong.")}, status=401, headers=headers)
