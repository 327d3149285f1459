"""The kit shows every part; it is for staff."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import translation

from crm.models import User
from crm.views.kit import kit
from tests.cast import Cast


def visit(user: User | AnonymousUser) -> HttpResponse:
    request = RequestFactory().get("/kit/")
    request.user = user
    return kit(request)


def test_kit_renders_for_staff_in_both_languages(cast: Cast) -> None:
    for language in ("en", "de"):
        with translation.override(language):
            assert visit(cast.ava).status_code == 200


def test_kit_is_closed_to_others(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        visit(cast.sam)
    assert visit(AnonymousUser()).status_code == 302
