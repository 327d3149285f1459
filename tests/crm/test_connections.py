"""How we talk to the database."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection


@pytest.mark.skipif(settings.SQLITE, reason="about PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_postgresql_answers_without_compiling_first() -> None:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        assert cursor.fetchone() == ("off",)
