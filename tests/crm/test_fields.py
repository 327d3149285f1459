"""Forms: visible labels, hints and errors tied to their fields, and a summary that leads to them."""

from __future__ import annotations

import re

from django import forms
from django.db.models.fields import BLANK_CHOICE_DASH

from crm.models import Team

EVIL = "<script>alert(1)</script>"


class Sample(forms.Form):
    email = forms.EmailField(label="E-mail", help_text="We write once.")
    nickname = forms.CharField(required=False)
    channel = forms.ChoiceField(widget=forms.RadioSelect, choices=[("mail", "E-mail"), ("phone", EVIL)])
    agreed = forms.BooleanField(label="I agree")
    token = forms.CharField(widget=forms.HiddenInput, required=False, initial="abc")


class Public(Sample):
    autofill = True


def test_label_hint_and_error_belong_to_their_field() -> None:
    shown = str(Sample({"email": "ada@"}))
    field = re.search(r'<input type="email"[^>]*>', shown)
    assert field is not None
    assert 'aria-describedby="id_email_helptext id_email_error"' in field[0]
    assert 'aria-invalid="true"' in field[0]
    assert '<label for="id_email">E-mail</label>' in shown
    assert 'id="id_email_helptext">We write once.' in shown
    assert re.search(r'id="id_email_error".*Enter a valid email address', shown, re.DOTALL)


def test_summary_leads_to_each_field_that_needs_another_look() -> None:
    shown = str(Sample({}))
    anchors = re.findall(r'<a href="#([^"]+)"', shown)
    assert anchors == ["id_email", "id_channel_0", "id_agreed"]
    assert all(f'id="{anchor}"' in shown for anchor in anchors)
    assert "3 things need another look" in shown
    assert 'role="alert"' in shown


def test_a_form_without_errors_has_no_summary() -> None:
    assert "summary" not in str(Sample())


def test_choices_are_named_by_a_legend() -> None:
    shown = str(Sample())
    assert re.search(r"<fieldset[^>]*>\s*<legend>Channel", shown)
    assert '<label class="check" for="id_channel_0">' in shown
    assert "<script>" not in shown


def test_optional_fields_say_so() -> None:
    assert re.search(r'<label for="id_nickname">Nickname <span class="optional">optional</span>', str(Sample()))


def test_hidden_fields_stay_hidden_and_are_sent() -> None:
    assert '<input type="hidden" name="token" value="abc"' in str(Sample())


def test_only_forms_about_oneself_are_filled_by_the_browser() -> None:
    assert 'autocomplete="off"' in str(Sample())
    assert 'autocomplete="email"' in str(Public())


def test_what_was_typed_comes_back_escaped() -> None:
    assert EVIL not in str(Sample({"nickname": EVIL}))


class Chosen(forms.Form):
    campaign = forms.ModelChoiceField(Team.objects.none(), required=False)
    phase = forms.ChoiceField(choices=[*BLANK_CHOICE_DASH, ("early", "Early")])


def test_a_blank_choice_is_named_and_no_row_of_dashes() -> None:
    shown = str(Chosen())
    assert '<option value="" selected>–</option>' in shown
    assert '<option value="" selected>Choose …</option>' in shown
    assert "---" not in shown
