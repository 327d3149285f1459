"""The web server's entry."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
application = get_wsgi_application()
# Every view is loaded before the first request, and the collector never looks through all that code again: a full
# pass over it stops a page for a tenth of a second. What one page makes and drops is less than it now waits for.
_views = get_resolver().url_patterns
gc.collect()
gc.freeze()
gc.set_threshold(10_000, 20, 50)
