"""The product's settings as the tests run them: a folder of their own, cheap passwords, and nobody woken."""

import atexit
import os
import re
import shutil
import tempfile

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # to compile all of Django costs each process we start a second
os.environ.setdefault("PGOPTIONS", "-c synchronous_commit=off")  # no test outlives its PostgreSQL

_folder = tempfile.mkdtemp(prefix="baton-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["DATA_DIR"] = _folder
os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)

# Each process of tests has a database of Redis' sixteen for itself: who empties its cache empties nobody else's.
if _redis := re.fullmatch(r"(.+/)(\d+)", os.environ.get("REDIS_URL", "")):
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["REDIS_URL"] = f"{_redis[1]}{(int(_redis[2]) + _worker) % 16}"

from crm.settings import *  # noqa: E402, F403
from crm.settings import CACHES, DATABASES, SQLITE  # noqa: E402

if SQLITE:
    # A file, as in real life: a database in memory knows neither WAL nor two writers.
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
CACHES["default"]["KEY_PREFIX"] = f"test-{os.getpid()}"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
WAKE_WORKERS = False
# Static files are looked up when asked for. Else each test client reads the whole list of them when it starts.
WHITENOISE_AUTOREFRESH = True
