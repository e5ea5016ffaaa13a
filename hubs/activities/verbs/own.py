"""Sentences about our own hubs."""

from collections.abc import Mapping

from hubs.activities.forms import Forms
from hubs.i18n import N_

VERBS: Mapping[str, Forms] = {
    "hub.joined": Forms(N_("{actor} joined"), N_("You joined")),
    "hub.created": Forms(N_("{actor} created the hub {thing}"), N_("You created the hub {thing}")),
    "hub.edited": Forms(N_("{actor} changed the hub {thing}"), N_("You changed the hub {thing}")),
    "hub.widget_added": Forms(N_("{actor} added the widget {thing}"), N_("You added the widget {thing}")),
    "hub.widget_edited": Forms(N_("{actor} changed the widget {thing}"), N_("You changed the widget {thing}")),
    "hub.widget_removed": Forms(N_("{actor} removed the widget {thing}"), N_("You removed the widget {thing}")),
    "hub.owner_added": Forms(N_("{actor} is now an owner of {thing}"), N_("You are now an owner of {thing}")),
    "hub.owner_removed": Forms(
        N_("{actor} is no longer an owner of {thing}"), N_("You are no longer an owner of {thing}")
    ),
    "hub.member_added": Forms(N_("{actor} is now a member of {thing}"), N_("You are now a member of {thing}")),
    "hub.member_removed": Forms(
        N_("{actor} is no longer a member of {thing}"), N_("You are no longer a member of {thing}")
    ),
    "hub.subscriber_added": Forms(N_("{actor} now follows {thing}"), N_("You now follow {thing}")),
    "hub.subscriber_removed": Forms(N_("{actor} no longer follows {thing}"), N_("You no longer follow {thing}")),
    "hub.stargazer_added": Forms(N_("{actor} starred {thing}"), N_("You starred {thing}")),
    "hub.stargazer_removed": Forms(N_("{actor} took a star from {thing}"), N_("You took a star from {thing}")),
}
