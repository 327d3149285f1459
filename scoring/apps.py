from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScoringConfig(AppConfig):
    name = "scoring"
    verbose_name = _("Scoring")

    def ready(self) -> None:
        from scoring import (  # noqa: F401
            awaited,
            backtest,
            checks,
            delay,
            demo,
            merging,
            previews,
            receivers,
            reports,
            settings_places,
        )

        settings_places.register()
        reports.register()
