"""A cache that forgives: when Redis is away, every read is a miss and every write is forgotten."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger("baton.cache")


def _forgiving(method: str, answer: Any) -> Callable[..., Any]:
    def call(self: RedisCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(RedisCache, method)(self, *args, **kwargs)
        except (RedisError, OSError):
            log.warning("cache unavailable on %s", method)
            return kwargs.get("default", args[1] if method == "get" and len(args) > 1 else answer)

    return call


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache whose errors read as misses."""

    get = _forgiving("get", None)
    get_many = _forgiving("get_many", {})
    set = _forgiving("set", None)
    set_many = _forgiving("set_many", [])
    add = _forgiving("add", True)
    delete = _forgiving("delete", False)
    delete_many = _forgiving("delete_many", None)
    has_key = _forgiving("has_key", False)
    touch = _forgiving("touch", False)
    incr = _forgiving("incr", 1)
    clear = _forgiving("clear", None)
