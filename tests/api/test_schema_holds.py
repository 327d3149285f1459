"""What the schema says holds: requests made from it, right and wrong ones, never break anything or surprise a client.

A short run inside the process, a longer one under `make soak`. Left out is only the check that whatever fits the schema
is accepted: no schema says that a person exists, or that a key is fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction

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
CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance, checks.negative_data_rejection,
]  # fmt: skip


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


class Undone(Exception):
    """Ends a transaction, so that nothing of it stays."""


@pytest.mark.parametrize(
    ("scopes", "examples"),
    [
        ((), 1),
        (("leads:read",), 1),
        pytest.param((), 25, marks=pytest.mark.soak),
        pytest.param(("leads:read",), 25, marks=pytest.mark.soak),
    ],
)
def test_every_operation_keeps_to_the_schema(cast: Cast, scopes: tuple[str, ...], examples: int, settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    accepted(cast)
    a_form()
    program = Program(cast.ava, *scopes)
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
