"""The embedded broker: Celery's messages in one SQLite file beside the database."""
