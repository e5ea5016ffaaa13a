"""Pictures of people and hubs: uploaded in their forms, and shown to those who may see the hub."""

import base64
import io
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from hubs.errors import UpstreamError, UpstreamUnreachable
from hubs.models import AuditEntry, Hub, Picture, User, Visibility
from hubs.views.web.context import EXTENSION
from hubs.views.web.rate_limits import Limiter
from tests.unit.conftest import user_of
from tests.unit.pictures.test_uploads import encoded
from tests.unit.views.conftest import post, sign_in, token

GOOD = {"fullname": "Mem Ber", "timezone": "Europe/Oslo", "locale": "", "activity": "public"}
LOOK = {"banner": "", "avatar": "", "left_width": "8", "pattern": "dots"}
APPEARANCE = "/t/otters/settings/appearance"


def upload(data: bytes, name: str = "me.png") -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def test_a_person_sets_and_removes_their_picture(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "member")
    assert post(client, "/me/", **GOOD, picture=upload(encoded())).status_code == 303
    session.expire_all()
    member = user_of(session, "member")
    own = session.scalars(select(Hub).where(Hub.user_id == member.id)).first()
    path = f"/pictures/{member.picture}.webp"
    assert own is None or own.emblem == member.picture
    assert f'src="{path}"' in client.get("/me/").get_data(as_text=True)
    assert f'src="{path}"' in client.get("/t/otters/members").get_data(as_text=True)
    answer = client.get(path)
    assert Image.open(io.BytesIO(answer.data)).size == (256, 256)
    assert post(client, "/me/", **GOOD, **{"picture-remove": "on"}).status_code == 303
    assert client.get(path).status_code == 404
    session.expire_all()
    assert user_of(session, "member").picture == ""
    assert session.scalars(select(Picture)).all() == []


def test_a_picture_is_cached_by_its_viewer_alone(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, APPEARANCE, **LOOK, emblem=upload(encoded()))
    session.expire_all()
    answer = client.get(f"/pictures/{otters.emblem}.webp")
    assert answer.mimetype == "image/webp"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = client.get(f"/pictures/{otters.emblem}.webp", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("picture", ["emblem", "cover"])
@pytest.mark.parametrize(
    ("visibility", "viewers"),
    [
        (Visibility.PUBLIC, {"visitor", "stranger", "member", "owner"}),
        (Visibility.SIGNED_IN, {"stranger", "member", "owner"}),
        (Visibility.MEMBERS, {"member", "owner"}),
        (Visibility.OWNERS, {"owner"}),
    ],
)
def test_a_picture_is_as_visible_as_its_hub(
    app: Flask, session: Session, otters: Hub, picture: str, visibility: Visibility, viewers: set[str]
) -> None:
    post(sign_in(app.test_client(), "owner"), APPEARANCE, **LOOK, **{picture: upload(encoded())})
    session.expire_all()
    otters.visibility = visibility
    session.commit()
    path = f"/pictures/{getattr(otters, picture)}.webp"
    for name in ("visitor", "stranger", "member", "owner"):
        client = app.test_client() if name == "visitor" else sign_in(app.test_client(), name)
        assert client.get(path).status_code == (200 if name in viewers else 404), name


def test_the_emblem_is_shown_on_pages_cards_and_in_the_api(client: FlaskClient, session: Session, otters: Hub) -> None:
    plain = client.get("/t/otters/card.png").data
    sign_in(client, "owner")
    pictures = {"emblem": upload(encoded()), "cover": upload(encoded((900, 300), colour="#123456"))}
    assert post(client, APPEARANCE, **LOOK, **pictures).status_code == 303
    session.expire_all()
    assert otters.pattern == "dots"
    for path in ("/t/otters/", "/teams/", "/search?q=otters"):
        assert f'src="/pictures/{otters.emblem}.webp"' in client.get(path).get_data(as_text=True), path
    assert client.get("/t/otters/card.png").data != plain
    record = client.get("/api/v1/hubs/t/otters").json
    assert record["picture_url"] == f"http://127.0.0.1/pictures/{otters.emblem}.webp"
    assert record["cover_url"] == f"http://127.0.0.1/pictures/{otters.cover}.webp"
    changed = [
        entry.detail.get("changed_keys") for entry in session.scalars(select(AuditEntry)) if entry.agent == "owner"
    ]
    assert ["emblem"] in changed
    assert ["cover"] in changed


@pytest.mark.parametrize("role", ["member", "stranger"])
def test_only_owners_change_the_pictures_of_a_hub(
    client: FlaskClient, session: Session, otters: Hub, role: str
) -> None:
    sign_in(client, role)
    assert post(client, APPEARANCE, **LOOK, emblem=upload(encoded())).status_code == 403
    assert session.scalars(select(Picture)).all() == []


def test_an_archived_hub_keeps_its_pictures(client: FlaskClient, session: Session, otters: Hub) -> None:
    otters.archived = True
    session.commit()
    sign_in(client, "owner")
    assert post(client, APPEARANCE, **LOOK, emblem=upload(encoded())).status_code == 403
    assert session.scalars(select(Picture)).all() == []


def test_a_refused_picture_keeps_the_rest_of_the_form(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = post(client, APPEARANCE, **{**LOOK, "avatar": "OT"}, emblem=upload(b"no picture"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'id="e-emblem"' in page
    assert 'value="OT"' in page
    session.expire_all()
    assert (otters.avatar, otters.emblem) == ("", "")
    sign_in(client, "member")
    file = FileStorage(io.BytesIO(bytes(3_000_000)), "me.png")
    fields = {**GOOD, "fullname": "Kept Name", "csrf_token": token(client, "/search"), "picture": file}
    boundary, body = encode_multipart(fields)
    answer = client.post("/me/", data=body, content_type=f'multipart/form-data; boundary="{boundary}"')
    assert answer.status_code == 400
    assert "more than one megabyte" in answer.get_data(as_text=True)
    assert 'value="Kept Name"' in answer.get_data(as_text=True)


def test_uploads_without_the_token_of_the_form_are_refused(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    answer = client.post(APPEARANCE, data={**LOOK, "emblem": upload(encoded())})
    assert answer.status_code == 400
    assert session.scalars(select(Picture)).all() == []


@pytest.mark.usefixtures("same_minute")
def test_uploads_have_a_rate_limit(app: Flask, client: FlaskClient, otters: Hub) -> None:
    sign_in(client, "owner")
    object.__setattr__(app.extensions[EXTENSION], "upload_limiter", Limiter("redis://127.0.0.1:1/0", 3))
    answers = [post(client, APPEARANCE, **LOOK, emblem=upload(b"no picture")).status_code for _number in range(4)]
    assert answers == [400] * 3 + [429]


def test_pictures_are_exported_and_deleted_with_the_account(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "stranger")
    post(client, "/me/", **GOOD, picture=upload(encoded()))
    exported = json.loads(post(client, "/me/export").get_data(as_text=True))
    (picture,) = exported["pictures"]
    assert picture["kind"] == "avatar"
    assert Image.open(io.BytesIO(base64.b64decode(picture["base64"]))).format == "WEBP"
    assert post(client, "/me/delete", username="stranger").status_code == 303
    session.expire_all()
    assert session.scalars(select(User.username).where(User.username == "stranger")).all() == []
    assert session.scalars(select(Picture)).all() == []


def test_pictures_are_deleted_with_the_hub(client: FlaskClient, session: Session, otters: Hub) -> None:
    sign_in(client, "owner")
    post(client, APPEARANCE, **LOOK, emblem=upload(encoded()))
    session.expire_all()
    path = f"/pictures/{otters.emblem}.webp"
    assert post(client, "/t/otters/settings/delete", name="otters").status_code == 303
    assert client.get(path).status_code == 404
    session.expire_all()
    session.delete(otters)
    session.commit()
    assert session.scalars(select(Picture)).all() == []


class _Libravatar:
    """Stands in for the client, which has tests of its own."""

    def __init__(self, answer: bytes | UpstreamError | None) -> None:
        self._answer = answer
        self.is_enabled = True

    def picture(self, username: str) -> bytes | None:
        assert username == "member"
        if isinstance(self._answer, UpstreamError):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    ("answer", "status", "is_set"),
    [
        (encoded(), 303, True),
        (None, 303, False),
        (b"no picture", 400, False),
        (UpstreamUnreachable("Libravatar does not answer."), 503, False),
    ],
)
def test_a_person_takes_their_picture_from_libravatar(
    app: Flask,
    client: FlaskClient,
    session: Session,
    otters: Hub,
    answer: bytes | UpstreamError | None,
    status: int,
    is_set: bool,
) -> None:
    sign_in(client, "member")
    assert "Libravatar" not in client.get("/me/").get_data(as_text=True)
    app.extensions["hubs"].clients.libravatar = _Libravatar(answer)
    assert "Use my picture from Libravatar" in client.get("/me/").get_data(as_text=True)
    assert post(client, "/me/picture").status_code == status
    session.expire_all()
    assert bool(user_of(session, "member").picture) is is_set
