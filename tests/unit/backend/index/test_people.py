"""Names at other services that people link with their accounts in the fields of their hubs."""

from hubs.backend.index.people import aliases_of
from hubs.backend.ingest.extract import Extractor
from hubs.bus import FEDMSG, parse
from hubs.models import Hub
from hubs.models.hub_fields import HUB_FIELDS

LINKED = {
    "chat_nick": "Kofi[m]",
    "bugzilla_email": "Kofi@example.org",
    "github_username": "Kofi-GH",
    "gitlab_username": "kofi.gl",
    "forgejo_username": "Forge.example/kofi-f",
}
NAMES = ["kofi[m]", "kofi@example.org", "github:kofi-gh", "gitlab:kofi.gl", "forgejo:forge.example/kofi-f"]


def test_the_fields_of_a_persons_hub_link_their_names() -> None:
    assert set(LINKED) < {field.name for field in HUB_FIELDS}
    assert list(aliases_of(Hub(kind="user", extras=LINKED))) == NAMES
    assert list(aliases_of(Hub(kind="team", extras=LINKED))) == []
    assert list(aliases_of(Hub(kind="user", extras={"gitlab_username": " ", "github_username": 5}))) == []


def test_messages_of_forges_name_the_people_who_linked_their_logins() -> None:
    extract = Extractor(dict.fromkeys(NAMES, "kofi"))
    repository = {"full_name": "Docs/Handbook", "html_url": "https://forge.example/Docs/Handbook"}
    issue = {"number": 12, "title": "Dead link", "html_url": "https://forge.example/i/12", "user": {"login": "x"}}
    project = {"path_with_namespace": "sea/tides", "web_url": "https://gitlab.example/sea/tides"}
    bodies = {
        "forgejo.issues": {
            "action": "opened",
            "issue": issue,
            "repository": repository,
            "sender": {"login": "kofi-f"},
        },
        "gitlab.issue": {"project": project, "user": {"username": "kofi.gl"}, "object_attributes": {"iid": 3}},
    }
    for name, body in bodies.items():
        topic = f"org.fedoraproject.prod.{name}"
        message = extract(parse({"topic": topic, "msg_id": "2026-1", "timestamp": 1, "msg": body}, FEDMSG))
        assert message.users == {"kofi"}
        assert message.activity is not None
        assert message.activity.actor == "kofi"
