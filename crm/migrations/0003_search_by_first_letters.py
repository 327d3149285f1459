"""On PostgreSQL first letters are found along an index that compares letter by letter, whatever the collation."""

from django.db import migrations

INDEXES = {
    "crm_contact_first_letters": 'crm_contact (name_key COLLATE "C", id)',
    "crm_contact_email_letters": 'crm_contact (email_key COLLATE "C") WHERE email_key <> \'\'',
    "crm_company_first_letters": 'crm_company (name_key COLLATE "C", id)',
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name, what in INDEXES.items():
            schema_editor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {what}")


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in INDEXES:
            schema_editor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):

    dependencies = [("crm", "0002_sessions_limits_start_page")]

    operations = [migrations.RunPython(create, drop)]
