"""The list one came from: where this lead stands in it, and which come before and after.

The address carries it as `from`: `sales:accepted?scope=mine` is a lane of a board with its filters,
`contacts?q=acme` the contact list, `leads?stage=mql` the list of leads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from crm import keyset, listing
from crm.lists.asking import Asked
from crm.models import User
from leads.boards import BOARDS, COUNTED, Board, Order, in_lane, lane_label, order_of
from leads.lists import LEADS
from leads.models import Lead


@dataclass(frozen=True)
class Place:
    """Where a lead stands in the list one came from; `before` and `after` are addresses, '' at the ends."""

    list_label: str
    list_url: str
    position: int
    total: int
    before: str = ""
    after: str = ""
    part: str = ""


def find(lead: Lead, user: User, origin: str) -> Place | None:
    """Return the place of `lead` in the list `origin` names; None without one, or when the lead has left it."""
    name, _question, query = origin.partition("?")
    board_name, _colon, lane = name.partition(":")
    board = BOARDS.get(board_name)
    if board and lane in board.lanes and board.admits(user):
        return _on_board(lead, user, origin, board, lane, QueryDict(query))
    if name == "contacts":
        return _among_contacts(lead, user, origin, QueryDict(query))
    if name == "leads":
        return _in_list(lead, origin, Asked.read(LEADS, QueryDict(query), user))
    return None


def _on_board(lead: Lead, user: User, origin: str, board: Board, lane: str, query: QueryDict) -> Place | None:
    filters = board.filters(query, user)
    rows, order = filters.narrow(in_lane(lane, filters.now), lane), order_of(lane, filters)
    here = rows.filter(lead=lead).values_list(order.name, flat=True).first()
    if here is None:
        return None
    before, after = order.before(rows, here, lead.pk), order.after(rows, here, lead.pk)
    backwards = Order(order.name, not order.falling, order.label)
    return Place(
        list_label=str(board.title),
        list_url=f"{board.url}{filters.query()}" if filters.pairs() else board.url,
        position=before[:COUNTED].count() + 1,
        total=rows[:COUNTED].count(),
        before=_link(backwards.sort(before).values_list("lead_id", flat=True).first(), origin),
        after=_link(order.sort(after).values_list("lead_id", flat=True).first(), origin),
        part=lane_label(lane, board),
    )


def _among_contacts(lead: Lead, user: User, origin: str, query: QueryDict) -> Place | None:
    """The open leads of the contact list, in its order."""
    asked = listing.asked(query.get("q", ""))
    columns = ("contact__name_key", "contact__email_key", "contact__company__name_key")
    rows = Lead.objects.visible_to(user).open().filter(listing.matches(asked, *columns))
    if not rows.filter(pk=lead.pk).exists():
        return None
    key, contact = lead.contact.name_key, lead.contact_id
    name, pk = "contact__name_key", "contact_id"
    before = rows.filter(Q(**{f"{name}__lt": key}) | Q(**{name: key, f"{pk}__lt": contact}))
    after = rows.filter(Q(**{f"{name}__gt": key}) | Q(**{name: key, f"{pk}__gt": contact}))
    return Place(
        list_label=_("Contacts"),
        list_url=f"{reverse('contacts')}?{urlencode({'q': asked})}" if asked else reverse("contacts"),
        position=before[:COUNTED].count() + 1,
        total=rows[:COUNTED].count(),
        before=_link(before.order_by(f"-{name}", f"-{pk}").values_list("pk", flat=True).first(), origin),
        after=_link(after.order_by(name, pk).values_list("pk", flat=True).first(), origin),
    )


def _in_list(lead: Lead, origin: str, asked: Asked) -> Place | None:
    """The list of leads, with its filters and in its order."""
    rows = asked.rows()
    here = asked.kind.related(rows).filter(pk=lead.pk).first()
    if here is None:
        return None
    order = asked.order
    backwards = tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)
    before, after = keyset.beyond(rows, here, backwards), keyset.beyond(rows, here, order)
    return Place(
        list_label=str(asked.kind.title),
        list_url=asked.address,
        position=before.order_by()[:COUNTED].count() + 1,
        total=rows.order_by()[:COUNTED].count(),
        before=_link(before.order_by(*backwards).values_list("pk", flat=True).first(), origin),
        after=_link(after.order_by(*order).values_list("pk", flat=True).first(), origin),
    )


def _link(pk: Any, origin: str) -> str:
    return f"{reverse('lead', args=[pk])}?{urlencode({'from': origin})}" if pk else ""
