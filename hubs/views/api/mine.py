"""The current person and their tokens."""

from typing import Any

from hubs.actions.people import roles as role_actions
from hubs.actions.people import tokens
from hubs.errors import Unauthorized
from hubs.i18n import _
from hubs.models import User
from hubs.views.api import schemas
from hubs.views.api.base import LARGEST, ApiBlueprint
from hubs.views.api.hubs import address, picture_url
from hubs.views.web.context import account, current_person, db

blueprint = ApiBlueprint("Me", __name__, "Your account and your tokens.")


@blueprint.read("/me", schemas.Me)
def myself() -> Any:
    """Return your account and your roles on hubs that you can see."""
    user = signed_in()
    names = ("username", "fullname", "timezone", "locale", "unlisted", "quiet_unfollow", "created_on")
    mine = role_actions.mine(db(), current_person())
    roles = sorted(({"hub": address(role.hub), "role": role.role.value} for role in mine), key=_by_hub)
    return {**{name: getattr(user, name) for name in names}, **_derived(user), "roles": roles}


@blueprint.read("/me/tokens", schemas.TokenPage)
def my_tokens() -> Any:
    """List your tokens, newest first. They can only be created on your account page."""
    signed_in()
    names = ("id", "name", "created_on", "expires_on", "revoked_on", "last_used")
    rows = tokens.mine(db(), current_person())
    items = [{**{name: getattr(row, name) for name in names}, "scope": row.scope.value} for row in rows]
    return {"items": items, "next": None}


@blueprint.write("DELETE", f"/me/tokens/<int(max={LARGEST}):number>", 204, None, 404)
def revoke_token(number: int) -> Any:
    """Revoke one of your tokens, which may be the one you authenticate with."""
    tokens.revoke(db(), current_person(), number)
    db().commit()


def _derived(user: User) -> dict[str, Any]:
    return {"activity": user.activity.value, "picture_url": picture_url(user.picture)}


def signed_in() -> User:
    """Return the account of the current person.

    :raises Unauthorized: if nobody is signed in.
    """
    user = account()
    if user is None:
        raise Unauthorized(_("Send a token (Authorization: Bearer hubs_me_…), or sign in."))
    return user


def _by_hub(role: dict[str, str]) -> tuple[str, str]:
    return role["hub"], role["role"]
