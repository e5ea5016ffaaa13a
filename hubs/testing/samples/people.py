"""Samples of widgets that show people, roles and fields of hubs."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hubs.testing.samples.sample import SITE, Make, Sample
from hubs.widgets.members import Member
from hubs.widgets.subscriptions import Listed


def _members(moment: datetime) -> Sample:
    people = [
        Member("ottoline", "Ottoline Brand", True, moment - timedelta(minutes=50)),
        Member("zenobia", "Zenobia Fox", False, moment - timedelta(minutes=4)),
        Member("isidor", "Isidor Quill", False, moment - timedelta(hours=2)),
        Member("mirabel", "Mirabel Stone", False, None),
    ]
    return Sample({}, {"GetMembers": people}, {"GetMembers": []})


def _stats(moment: datetime) -> Sample:
    names = ("subscriber", "stargazer", "member")
    return Sample(
        {}, {"CountPeople": dict(zip(names, (38, 12, 4), strict=True))}, {"CountPeople": dict.fromkeys(names, 0)}
    )


def _subscriptions(moment: datetime) -> Sample:
    belongs = [Listed("team", "tides", "Tide watch", "active"), Listed("team", "lanterns", "Lanterns", "week")]
    follows = [Listed("team", "kettles", "Kettle keepers", "month"), Listed("user", "zenobia", "Zenobia Fox", "active")]
    stars = [Listed("team", "tables", "Tide tables", "year")]
    lists = {"Belongs to": belongs, "Subscribes to": follows, "Stars": stars}
    return Sample({"username": "ottoline"}, {"GetHubs": lists}, {"GetHubs": {}})


def _rules(moment: datetime) -> Sample:
    settings = {"link": f"{SITE}rules", "schedule_text": "Thursdays, 16:00 UTC.", "minutes_link": f"{SITE}minutes"}
    owners = [("ottoline", "Ottoline Brand"), ("zenobia", "Zenobia Fox")]
    return Sample(settings, {"GetOwners": owners}, {"GetOwners": []}, blank={})


def _contact(moment: datetime) -> Sample:
    ways = [
        ("Website", SITE, SITE),
        ("Chat", "#tides", ""),
        ("Mailing list", "tides@example.org", "mailto:tides@example.org"),
    ]
    return Sample({}, {"GetContact": ways}, {"GetContact": []})


def _cobwebs(moment: datetime) -> Sample:
    quiet, lively = (False, moment - timedelta(days=61)), (False, moment)
    return Sample({}, {"GetActivity": quiet}, {"GetActivity": lively})


SAMPLES: Mapping[str, Make] = {
    "members": _members,
    "stats": _stats,
    "subscriptions": _subscriptions,
    "rules": _rules,
    "contact": _contact,
    "cobwebs": _cobwebs,
}
