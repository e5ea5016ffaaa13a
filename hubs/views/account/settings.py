"""The account page: settings, privacy, requests and invitations, data export, and deletion of the account."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, g, jsonify, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from hubs import i18n, urls
from hubs.actions import lifecycle, pictures
from hubs.actions.people import membership, sessions
from hubs.actions.privacy import account_data
from hubs.errors import InvalidInput, NotAllowed, Unavailable, UpstreamError
from hubs.i18n import N_, _, ngettext
from hubs.models import User, Visibility
from hubs.pictures.uploads import accept
from hubs.views.web import forms, uploads
from hubs.views.web.context import account, app_context, current_person, db, rate_limit_key
from hubs.widgets.parameters import Parameter

_UNLISTED = N_("Teams that you own always list you.")

blueprint = Blueprint("me", __name__, url_prefix="/me")


def myself() -> User:
    """Return the current user's account.

    :raises NotAllowed: if nobody is signed in.
    """
    user = account()
    if user is None:
        raise NotAllowed(_("Please sign in first."))
    return user


@blueprint.get("/")
def show() -> str:
    """Show the current user's settings, requests and data."""
    user = myself()
    return _page(user, {field.name: getattr(user, field.name) for field in _parameters()}, {})


@blueprint.post("/")
def save() -> ResponseReturnValue:
    """Save the settings of the account."""
    user, values = myself(), forms.read(_parameters(), request.form)
    # The picture comes first, so that one answer names all fields that cannot be accepted.
    wrong: dict[str, str] = {}
    is_changed, picture = uploads.read("picture", wrong)
    try:
        account_data.update_account(db(), app_context().registry, user, values)
    except InvalidInput as error:
        wrong |= error.fields
    if wrong:
        db().rollback()
        return _page(user, values, wrong), InvalidInput.status
    if is_changed:
        pictures.set_avatar(db(), user, picture)
    db().commit()
    flash(_("Saved."))
    return redirect(urls.me(), 303)


@blueprint.post("/picture")
def take_picture() -> ResponseReturnValue:
    """Copy the picture that the current user published at Libravatar."""
    user = myself()
    app_context().upload_limiter.take("upload", rate_limit_key())
    try:
        data = app_context().clients.libravatar.picture(user.username)
    except UpstreamError as error:
        raise Unavailable(str(error)) from error
    if data is None:
        flash(_("There is no picture of you at Libravatar."))
    else:
        pictures.set_avatar(db(), user, accept(data))
        db().commit()
        flash(_("Saved."))
    return redirect(urls.me() + "#settings", 303)


@blueprint.post("/export")
def export() -> Response:
    """Return everything stored about the current user, as a JSON file."""
    user = myself()
    response = jsonify(account_data.export(db(), app_context().registry, current_person(), user))
    response.headers["Content-Disposition"] = f'attachment; filename="hubs-{user.username}.json"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Sign the current user out in all other browsers."""
    user = myself()
    count = sessions.end_all(db(), user.id, but=str(session.get("key", "")))
    db().commit()
    flash(
        ngettext("You are signed out in %(num)s other browser.", "You are signed out in %(num)s other browsers.", count)
        % {"num": count}
    )
    return redirect(urls.me(), 303)


@blueprint.post("/delete")
def delete() -> ResponseReturnValue:
    """Delete the account after its name was typed to confirm."""
    user = myself()
    if request.form.get("username", "").strip().lower() != user.username:
        raise InvalidInput(_("Nothing was deleted: the name that you typed is not the one of your account."))
    account_data.forget(db(), user)
    db().commit()
    # The response must not be rendered for the account that no longer exists.
    g.pop("account", None)
    session.clear()
    flash(_("Your account has been deleted."))
    return redirect(urls.front(), 303)


def _page(user: User, values: Mapping[str, Any], wrong: dict[str, str]) -> str:
    requests, invitations = membership.mine(db(), current_person())

    form = forms.Form(_parameters(), values, wrong)
    deleted = lifecycle.discarded(db(), current_person())
    return render_template(
        "me.html",
        user=user,
        deleted=deleted,
        form=form,
        requests=requests,
        invitations=invitations,
        can_take_picture=app_context().clients.libravatar.is_enabled,
    )


def _parameters() -> tuple[Parameter, ...]:
    """Return the fields of the settings; the languages are known at run time only."""
    languages = [("", _("Browser default")), *i18n.names().items()]
    levels = [
        (Visibility.PUBLIC.value, _("Everybody")),
        (Visibility.SIGNED_IN.value, _("People who are signed in")),
        (Visibility.OWNERS.value, _("Only me")),
    ]
    return (
        Parameter("fullname", label=_("Full name")),
        Parameter("timezone", label=_("Time zone"), help=_("For example: Europe/Oslo")),
        Parameter("locale", label=_("Language"), kind="choice", default="", choices=languages),
        Parameter(
            "activity",
            label=_("Who can see my activity"),
            help=_("They also see that you are on the page of a team, while you are."),
            kind="choice",
            default="public",
            choices=levels,
        ),
        Parameter("unlisted", label=_("Hide me from lists of people"), kind="switch", help=_UNLISTED),
        Parameter("quiet_unfollow", label=_("Don't announce when I unfollow a hub"), kind="switch"),
    )


@blueprint.post("/invitations/<int:hub_id>")
def respond(hub_id: int) -> ResponseReturnValue:
    """Accept or decline an invitation."""
    myself()
    accept = request.form.get("answer") == "accept"
    hub = membership.respond(db(), current_person(), hub_id, accept=accept)
    db().commit()
    flash(_("Welcome.") if accept else _("You have declined the invitation."))
    return redirect(urls.hub(hub.kind, hub.name) if accept else urls.me(), 303)
