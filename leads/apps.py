from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LeadsConfig(AppConfig):
    name = "leads"
    verbose_name = _("Leads")

    def ready(self) -> None:
        from leads import (  # noqa: F401
            bulk_actions,
            checks,
            demo,
            demo_feedback,
            demo_forms,
            demo_nurture,
            demo_rules,
            demo_spend,
            form_checks,
            history,
            lists,
            merging,
            opt_in,
            receivers,
            removal,
            rights,
            search,
            settings_places,
            spend_checks,
            today_count,
            told,
        )
        from leads.reports import checks as report_checks  # noqa: F401

        settings_places.register()
        search.register()
        today_count.register()
        rights.register()
        told.register()
        history.register()
        lists.register_filters()
