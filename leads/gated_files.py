"""What a form hands out after the confirmation: checked by content, named harmlessly, reached by a signed ticket."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath

from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http.response import content_disposition_header  # type: ignore[attr-defined]
from django.utils.translation import gettext as _

from leads.models import CaptureForm, GatedFile, Submission

SALT = "leads.gated_files"
VALID = timedelta(days=7)
LARGEST = 20 * 1024 * 1024
_OFFICE = "application/vnd.openxmlformats-officedocument."


@dataclass(frozen=True)
class Type:
    """One type of file that may be handed out: how it begins, and what it is called."""

    start: bytes
    content_type: str


TYPES = {
    ".pdf": Type(b"%PDF-", "application/pdf"),
    ".xlsx": Type(b"PK\x03\x04", f"{_OFFICE}spreadsheetml.sheet"),
    ".docx": Type(b"PK\x03\x04", f"{_OFFICE}wordprocessingml.document"),
    ".pptx": Type(b"PK\x03\x04", f"{_OFFICE}presentationml.presentation"),
    ".zip": Type(b"PK\x03\x04", "application/zip"),
}


def harmless_name(name: str) -> str:
    """Return a file's name as it may be shown and sent: no path, nothing invisible, no formula, at most 120 (I17)."""
    last = PurePosixPath(name.replace("\\", "/").replace("\x00", "")).name
    shown = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] not in "CZ" or c == " ")
    bare = shown.lstrip("=+-@. ")
    stem, dot, ending = bare.rpartition(".")
    return f"{stem[:110]}.{ending[:8].lower()}" if dot else (bare[:110] or "file")


def checked(upload: UploadedFile) -> tuple[str, Type, bytes]:
    """Return (name, type, bytes) of an upload; ValueError with a sentence when it cannot be handed out."""
    name = harmless_name(upload.name or "")
    kind = TYPES.get(f".{name.rpartition('.')[2]}")
    if kind is None:
        raise ValueError(_("Only PDF, XLSX, DOCX, PPTX and ZIP can be handed out."))
    if (upload.size or 0) > LARGEST:
        raise ValueError(_("The file is larger than 20 MB."))
    content = upload.read()
    if not content.startswith(kind.start):
        raise ValueError(_("The file is not what its name says."))
    return name, kind, content


def keep(form: CaptureForm, name: str, kind: Type, content: bytes) -> GatedFile:
    """Store what `form` hands out, in place of what it handed out before."""
    values = {
        "name": name, "content_type": kind.content_type, "size": len(content), "content": content,
        "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    GatedFile.objects.filter(form=form).delete()
    return GatedFile.objects.create(form=form, **values)


def ticket(submission: Submission) -> str:
    """Return the ticket of a confirmed submission; it is good for seven days."""
    return signing.dumps(submission.pk, salt=SALT, compress=False)


def for_ticket(slug: str, ticket: str) -> GatedFile:
    """Return the file behind a ticket; BadSignature or LookupError when there is none to hand out."""
    pk = signing.loads(ticket, salt=SALT, max_age=VALID)
    found = Submission.objects.filter(pk=pk, form__slug=slug, state=Submission.State.DONE, confirmed_at__isnull=False)
    file = GatedFile.objects.filter(form__submissions__in=found).first()
    if file is None:
        raise LookupError(slug)
    return file


def disposition(name: str) -> str:
    """Return the header that makes a browser save the file instead of showing it."""
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"
