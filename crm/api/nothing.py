"""Addresses of the API that are none, answered as the API answers."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.views.decorators.csrf import csrf_exempt
from rest_framework.views import APIView


class Nothing(APIView):
    """401 for strangers, 404 for everybody else, whatever the method."""

    schema = None

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Http404


here = csrf_exempt(Nothing.as_view())
