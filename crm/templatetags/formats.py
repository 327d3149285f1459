"""Figures, money, spans of time and moments, written the same way on every screen."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, get_language_info, ngettext, pgettext
from django.utils.translation import gettext as _

register = template.Library()

MINUTE = timedelta(minutes=1)
MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
SPACE = "\N{NO-BREAK SPACE}"
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF", "JPY": "¥"}


@register.filter
def language(code: str) -> str:
    """ "de" → "German", in the reader's language; a code nobody knows comes back as it is."""
    try:
        return capfirst(get_language_info(code)["name_translated"])
    except KeyError:
        return code


@register.filter
def count(number: Any) -> str:
    """1243 → "1,243" (English), "1.243" (German). Anything that is no number comes back as it is."""
    return _count(str(number), get_language())


@lru_cache(maxsize=8192)
def _count(number: str, language: str | None) -> str:
    """A number in words; remembered, because a page of figures repeats the small ones."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    places = None if value == value.to_integral_value() else -value.normalize().as_tuple().exponent  # type: ignore[operator]
    text = formats.number_format(abs(value), places or 0, force_grouping=True)
    return f"{MINUS}{text}" if value < 0 else text


@register.filter
def points(number: Any) -> str:
    """Booked points carry their sign: 24 → "+24", -10 → "−10" (a true minus), 0 → "0"."""
    if number is None or number == "":
        return ""
    value = Decimal(str(number))
    return f"+{count(value)}" if value > 0 else count(value)


@register.filter
def percent(share: Any) -> str:
    """A share from 0 to 1 as whole percent: 0.483 → "48 %"."""
    if share is None or share == "":
        return "–"
    return _percent(round(Decimal(str(share)) * 100), get_language())


@lru_cache(maxsize=1024)
def _percent(whole: int, language: str | None) -> str:
    return pgettext("percentage", "%(number)s %%") % {"number": formats.number_format(whole, 0)}


@register.filter
def money(amount: Any, currency: str = "EUR") -> str:
    """48000 → "€48,000" (English), "48.000 €" (German). Cents are shown only where there are some."""
    if amount is None or amount == "":
        return ""
    return _money(Decimal(str(amount)), currency, get_language())


@lru_cache(maxsize=4096)
def _money(value: Decimal, currency: str, language: str | None) -> str:
    """A sum in words; remembered, because deals of one kind cost the same."""
    text = formats.number_format(abs(value), 0 if value == value.to_integral_value() else 2, force_grouping=True)
    symbol = SYMBOLS.get(currency, currency)
    if len(symbol) > 1:
        written = f"{symbol}{SPACE}{text}"
    else:
        written = pgettext("money: symbol and amount", "%(symbol)s%(amount)s") % {"symbol": symbol, "amount": text}
    return f"{MINUS}{written}" if value < 0 else written


@register.filter
def to_the_cent(amount: Any) -> str:
    """1234.5 → "1,234.50" (English), "1.234,50" (German): a figure of a ledger, its currency in the head."""
    if amount is None or amount == "":
        return ""
    return _to_the_cent(Decimal(str(amount)), get_language())


@lru_cache(maxsize=4096)
def _to_the_cent(value: Decimal, language: str | None) -> str:
    return formats.number_format(value, 2, force_grouping=True)


def span(length: timedelta) -> str:
    """A length of time in its two largest units, at most days: "5 h 10 min", "3 d", "48 min". The sign is dropped."""
    minutes = int(abs(length).total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return _("%(days)s d") % {"days": count(days)}
    if hours and minutes:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if hours:
        return _("%(hours)s h") % {"hours": hours}
    return _("%(minutes)s min") % {"minutes": minutes}


def working_span(length: timedelta) -> str:
    """Working time is counted in hours and minutes and never turns into days: "26 h", "1 h 20 min"."""
    hours, minutes = divmod(int(abs(length).total_seconds() // 60), 60)
    if hours and minutes:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    if hours:
        return _("%(hours)s h") % {"hours": hours}
    return _("%(minutes)s min") % {"minutes": minutes}


@register.filter(name="span")
def span_filter(length: timedelta | None) -> str:
    return "" if length is None else span(length)


@register.filter
def days(number: int | None) -> str:
    """3 → "3 d"."""
    return "" if number is None else _("%(days)s d") % {"days": count(number)}


def exact(moment: datetime | date) -> str:
    """A moment in full, in the reader's time zone: "Thu 19 Nov 2026, 14:02"."""
    if not isinstance(moment, datetime):
        return formats.date_format(moment, _("D j M Y"))
    here = timezone.localtime(moment).replace(tzinfo=None, second=0, microsecond=0)
    return _written(here, _("D j M Y, H:i"), get_language())


@lru_cache(maxsize=8192)
def _written(here: datetime, pattern: str, language: str | None) -> str:
    """A local minute in words; remembered, because a board shows the same hundred moments again and again."""
    return formats.date_format(here, pattern)


def _as_moment(value: datetime | date) -> datetime:
    if isinstance(value, datetime):
        return value if timezone.is_aware(value) else timezone.make_aware(value)
    return timezone.make_aware(datetime.combine(value, time()))


def relative(moment: datetime, now: datetime | None = None) -> str:
    """A moment as one says it: "just now", "12 min ago", "today 15:30", "yesterday 16:42", "Mon 10:00", "2 Nov"."""
    here, now = timezone.localtime(moment), timezone.localtime(now)
    gap = (now - here).total_seconds()
    clock = formats.date_format(here, _("H:i"))
    away = (here.date() - now.date()).days
    if 0 <= gap < 60:
        return _("just now")
    if 60 <= gap < 3600:
        minutes = int(gap // 60)
        return ngettext("%(minutes)s min ago", "%(minutes)s min ago", minutes) % {"minutes": minutes}
    if away in {-1, 0, 1}:
        words = {-1: _("yesterday %(time)s"), 0: _("today %(time)s"), 1: _("tomorrow %(time)s")}
        return words[away] % {"time": clock}
    return _near_or_far(here, now, away)


def relative_day(day: date, today: date | None = None) -> str:
    """A day as one says it: "today", "tomorrow", "Mon", "2 Nov", "2 Nov 2025"."""
    today = today or timezone.localdate()
    words = {-1: _("yesterday"), 0: _("today"), 1: _("tomorrow")}
    away = (day - today).days
    if away in words:
        return words[away]
    return formats.date_format(day, _("j M") if day.year == today.year else _("j M Y"))


def _near_or_far(here: datetime, now: datetime, away: int) -> str:
    if abs(away) < 7:
        return formats.date_format(here, _("D H:i"))
    return formats.date_format(here, _("j M") if here.year == now.year else _("j M Y"))


@register.simple_tag
def when(moment: datetime | date | None, missing: str = "–") -> SafeString | str:
    """A moment in relative words, with the exact one in its tooltip."""
    if moment is None:
        return missing
    words = relative(moment) if isinstance(moment, datetime) else relative_day(moment)
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact(moment), words)


@register.simple_tag
def age(since: datetime | date | None, missing: str = "–") -> SafeString | str:
    """How long ago, as short as it goes ("3 d", "5 h"), with the exact moment in its tooltip."""
    if since is None:
        return missing
    length = timezone.now() - _as_moment(since)
    told = timedelta(days=abs(length).days) or abs(length) // MINUTE * MINUTE
    return _aged(since, told, get_language(), timezone.get_current_timezone_name())


@lru_cache(maxsize=8192)
def _aged(since: datetime | date, length: timedelta, language: str | None, zone: str) -> SafeString:
    """An age of whole days or, within a day, whole minutes; remembered, because a board shows the same all day."""
    return format_html('<time datetime="{}" title="{}">{}</time>', since.isoformat(), exact(since), span(length))
