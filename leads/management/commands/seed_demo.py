"""manage.py seed_demo: a believable world to look around in."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm import demo
from crm.demo import World
from crm.models import Activity, Contact
from leads.models import Lead


class Command(BaseCommand):
    help = "Make a synthetic, reproducible world: companies, people, months of activities, leads in every stage."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--leads", type=int, default=220, metavar="N", help="how many leads (default 220)")
        parser.add_argument("--activities", type=int, metavar="N", help="about how many activities (default 27 a lead)")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed makes the same world")
        parser.add_argument("--no-input", "--noinput", action="store_true", help="do not ask before going ahead")
        parser.add_argument("--remove", action="store_true", help="take the demo world away again")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self._remove(ask=not options["no_input"])
            return
        if options["leads"] < 1 or (options["activities"] or 0) < 0:
            raise CommandError("--leads must be 1 or more, --activities 0 or more.")
        if not options["no_input"]:
            self._ask_when_not_empty()
        if demo.exists():
            demo.remove()
        started = time.monotonic()
        leads = options["leads"]
        activities = options["activities"] if options["activities"] is not None else leads * 27
        demo.build(World(leads=leads, activities=activities, seed=options["seed"]))
        counts = (Contact.objects, Lead.objects, Activity.objects)
        contacts, leads, activities = (manager.count() for manager in counts)
        self.stdout.write(
            f"{contacts:,} contacts, {leads:,} leads and {activities:,} activities are here"
            f" ({time.monotonic() - started:.1f} s)."
        )

    def _ask_when_not_empty(self) -> None:
        if not Contact.objects.exists() and not demo.exists():
            return
        what = "replaces the demo world that is here" if demo.exists() else "adds demo people to what is here"
        self._confirm(f"The database is not empty; this {what}. Go ahead?")

    def _remove(self, *, ask: bool) -> None:
        if ask:
            self._confirm("This deletes every demo contact, company and lead. Go ahead?")
        gone = demo.remove()
        self.stdout.write(
            f"Removed {gone['contacts']:,} demo contacts, {gone['companies']:,} companies, {gone['people']:,} sign-ins."
        )

    def _confirm(self, question: str) -> None:
        try:
            answer = input(f"{question} [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was changed. --no-input goes ahead without asking.")
