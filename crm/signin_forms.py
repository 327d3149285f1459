"""The forms of signing in, where ours differ from allauth's: errors beside the field, codes with blanks."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


class SignInForm(LoginForm):
    """E-mail and password; a refusal stands at the password, which gets the focus, and the name is kept (L3)."""

    autofill = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        login, password = self.fields["login"], self.fields["password"]
        login.label, password.label = _("E-mail"), _("Password")
        password.help_text = ""
        login.widget.attrs |= {"autocomplete": "username webauthn", "autofocus": True, "inputmode": "email"}
        password.widget.attrs |= {"autocomplete": "current-password"}
        for field in (login, password):
            field.widget.attrs.pop("placeholder", None)

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except ValidationError as error:
            self.add_error("password", error)
            self.fields["login"].widget.attrs.pop("autofocus", None)
            self.fields["password"].widget.attrs["autofocus"] = True
            return self.cleaned_data


def _without_blanks(form: forms.BaseForm) -> None:
    """Let "123 456" count as "123456"; authenticators show codes in two groups (L2)."""
    field = form.fields["code"]
    field.label = _("Code from your app")
    field.widget.attrs |= {"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
    field.widget.attrs.pop("placeholder", None)
    read = field.to_python
    field.to_python = lambda value: "".join(str(read(value)).split())  # type: ignore[method-assign]


class CodeForm(AuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _without_blanks(self)


class CodeAgainForm(ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _without_blanks(self)


class ActivateCodesForm(ActivateTOTPForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _without_blanks(self)
