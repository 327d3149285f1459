from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("People")

    def ready(self) -> None:
        from crm import duplicates, mail_recipients, receivers, signin  # noqa: F401
        from crm.lists import (  # noqa: F401
            checks,
            jobs,
            people,
        )
        from crm.merging import checks as merge_checks  # noqa: F401
        from crm.merging import people as merged_people  # noqa: F401
        from crm.webhooks import checks as webhook_checks  # noqa: F401

        signin.keep_limits_in_the_database()
