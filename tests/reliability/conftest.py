"""An installation for each test, on the databases the tests run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from tests.reliability.processes import Installation, own_database, redis_server

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the test database made also when nothing else is run: every installation is a copy of it."""
    for item in items:
        if HERE in item.path.parents and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db)


@pytest.fixture
def installation(tmp_path: Path, django_db_setup: None) -> Iterator[Installation]:
    """Baton with its tables made; nothing runs yet. The test may do to it what it likes."""
    with installed(tmp_path) as baton:
        yield baton


@contextmanager
def installed(folder: Path) -> Iterator[Installation]:
    with ExitStack() as stack:
        environment = stack.enter_context(own_database(folder))
        environment["REDIS_URL"] = ""
        if settings.REDIS_URL:
            environment["REDIS_URL"], _ = stack.enter_context(redis_server(folder))
        baton = Installation(folder, environment)
        stack.callback(baton.end)
        yield baton
