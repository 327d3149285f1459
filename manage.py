#!/usr/bin/env python
"""Django's command line for Baton."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from crm.roomy_stack import with_room

    try:
        with_room(execute_from_command_line)(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Baton cannot start: {error}")


if __name__ == "__main__":
    main()
