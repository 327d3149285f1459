"""What every test may ask for."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import translation
from pytest_django.plugin import blocking_manager_key

from crm import workdays
from tests import cast as people
from tests import migrated

#: Folders and files of real processes, whole browsers and large worlds.
LONG = {"reliability", "browser", "journeys", "test_demo_world", "test_demo", "test_crowd", "test_equality"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal what takes long to all workers, for them to begin with: in the end only short tests are left to share.

    pytest-xdist gives each worker an equal slice of the list, and lets whoever is done steal from the end of another's.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers == 1:
        return
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if LONG & {item.path.parent.name, item.path.stem}:
            files.setdefault(item.path, []).append(item)
    hands: list[list[pytest.Item]] = [[] for _worker in range(workers)]
    for file in files.values():
        min(hands, key=len).extend(file)
    dealt = {item for hand in hands for item in hand}
    short = (item for item in items if item not in dealt)
    for hand in hands[:-1]:
        hand.extend(islice(short, max(0, len(items) // workers - len(hand))))
    items[:] = [item for hand in hands for item in hand] + list(short)


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.pluginmanager.hasplugin("dsession"):  # we hand out the tests and run none
        migrated.begin(session.config.stash[blocking_manager_key])


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what has been imported: a sixth of the time went into looking at it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.pluginmanager.hasplugin("dsession"):
        migrated.forget()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """Copy the migrated database, in place of pytest-django's way: migrations once per process."""
    flush = TransactionTestCase._fixture_teardown
    with django_db_blocker.unblock():
        migrated.adopt(connection.creation._get_test_db_name())
    TransactionTestCase._fixture_teardown = lambda self: migrated.put_back()
    yield
    TransactionTestCase._fixture_teardown = flush
    with django_db_blocker.unblock():
        migrated.forget()


@pytest.fixture
def cast(db: None) -> people.Cast:
    return people.assemble()


@pytest.fixture(scope="module")
def shared_rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Let a fixture of a whole file write rows: each test sees them, and all are gone after the file's last.

    Not for files with tests that commit.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _midnight_is_over(request: pytest.FixtureRequest) -> None:
    """A run may go past midnight; a test about one day must not begin with the night that its world has not seen."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & {*request.fixturenames}:
        request.getfixturevalue("db")
        migrated.bring_to_today()


@pytest.fixture(autouse=True)
def _english_unless_said_otherwise() -> Iterator[None]:
    """The client leaves the reader's language switched on; the next test must not hear it."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _workspace_zone_is_read_anew() -> Iterator[None]:
    workdays.forget_zone()
    yield
    workdays.forget_zone()


@pytest.fixture(autouse=True)
def _each_test_counts_its_own_queries() -> None:
    """The log holds 9,000 queries for a whole process: in a full one the next count would come out too small."""
    connection.queries_log.clear()


@pytest.fixture(autouse=True)
def _backlog_is_read_anew() -> None:
    """A test that travels through time leaves a delay of months in the cache, and the next would tell it."""
    cache.delete("backlog")
