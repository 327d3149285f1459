"""Collect the strings for translators, the ones behind our own short names for Django's functions included."""

from __future__ import annotations

from django.core.management.commands import makemessages


class Command(makemessages.Command):
    # `shipped` marks rows Baton brings along (gettext_noop), `gl` is gettext_lazy where `_` is gettext.
    xgettext_options = [*makemessages.Command.xgettext_options, "--keyword=shipped", "--keyword=gl"]
