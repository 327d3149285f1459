"""What the schema says holds: requests made from it, right and wrong ones, never break anything or surprise a client.

A short run inside the process, a longer one by each role and with each scope under `make soak`. What fits the schema is
accepted, or refused for one of the few reasons that no schema tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction

from crm.api.scopes import SCOPES
from crm.wsgi import application
from tests.api_client import Program
from tests.cast import Cast, accepted
from tests.leads.sent_forms import a_form

schemathesis = pytest.importorskip("schemathesis", reason="needs schemathesis: it comes with `make lint`")

import hypothesis  # noqa: E402
from hypothesis import HealthCheck, Phase  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi import checks  # noqa: E402

pytestmark = pytest.mark.django_db
#: Noes to what fits the schema, by sentence: other rows, members that need one another, clocks, and the JSON as such.
NO_SCHEMA_TELLS = re.compile(
    r"There is no such (company|contact|source|kind of activity|reason|number)\b.*"
    r"|Nobody (who works here has this number|goes by this)\.|Select a valid choice\. .*"
    r"|Name either contact_id or contact\.|Name an external_key or an e-mail address to be found by\."
    r"|Enter a name, an e-mail address or a phone number\.|Say what is to be done on that day\."
    r"|This move gives the lead to nobody\.|The rules name one, or you do; not both\."
    r"|A name needs letters or digits\.|The period ends before it begins\."
    r"|This moment lies in the future, or before 1970\."
    r"|A text holds a character that cannot be stored\.|A number is too large\."
)


@contextmanager
def one_connection() -> Iterator[None]:
    """Keep the test's connection open; a request that ends would close it and lose the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def accepted_or_told_why(ctx: Any, response: Any, case: Any) -> bool | None:
    """Let what fits the schema be refused for what NO_SCHEMA_TELLS only."""
    if response.status_code == 400:
        told = response.json()
        if all(NO_SCHEMA_TELLS.fullmatch(one["detail"]) for one in told.get("errors") or [told]):
            return None
    return checks.positive_data_acceptance(ctx, response, case)


CHECKS = [
    accepted_or_told_why, not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance, checks.negative_data_rejection,
]  # fmt: skip


class Undone(Exception):
    """Ends a transaction, so that nothing of it stays."""


LONG = [
    ("ava", (), 40),
    *((who, (), 20) for who in ("mia", "sam", "lena")),
    *(("ava", (scope,), 8) for scope in SCOPES),
]


@pytest.mark.parametrize(
    ("who", "scopes", "examples"),
    [("ava", (), 1), ("ava", ("leads:read",), 1), *(pytest.param(*row, marks=pytest.mark.soak) for row in LONG)],
)
def test_every_operation_keeps_to_the_schema(
    cast: Cast, who: str, scopes: tuple[str, ...], examples: int, settings: Any
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    accepted(cast)
    a_form()
    program = Program(getattr(cast, who), *scopes)
    headers = {"Authorization": f"Bearer {program.secret}"}
    schema = schemathesis.openapi.from_dict(program.ask("schema/").json())
    tried = 0
    with one_connection():
        for found in schema.get_all_operations():
            tried += _try(found.ok(), headers, examples)
    assert tried >= 32


def _try(operation: Any, headers: dict[str, str], examples: int) -> int:
    tried = 0

    @hypothesis.given(case=operation.as_strategy())
    @hypothesis.settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def holds(case: Any) -> None:
        nonlocal tried
        tried += 1
        try:
            with transaction.atomic():
                response = case.call(app=application, headers=headers)
                raise Undone
        except Undone:
            case.validate_response(response, checks=CHECKS, headers=headers)

    holds()
    return tried
