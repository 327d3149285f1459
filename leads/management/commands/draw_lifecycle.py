"""manage.py draw_lifecycle: write docs/lifecycle.svg anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from leads.drawing import lifecycle


class Command(BaseCommand):
    help = "Draw docs/lifecycle.svg from the state machine."

    def handle(self, *args: Any, **options: Any) -> None:
        (settings.BASE_DIR / "docs" / "lifecycle.svg").write_text(lifecycle(), encoding="utf-8")
