"""Sentences about activities beside code."""

from collections.abc import Mapping

from hubs.activities.forms import Forms
from hubs.i18n import N_

VERBS: Mapping[str, Forms] = {
    "badge.earned": Forms(N_("{actor} earned the badge {thing}"), N_("You earned the badge {thing}")),
    "badge.rank": Forms(
        N_("The rank of {actor} among the collectors of badges changed"),
        N_("Your rank among the collectors of badges changed"),
    ),
    "badge.first_login": Forms(
        N_("{actor} logged into Badges for the first time"), N_("You logged into Badges for the first time")
    ),
    "karma.given": Forms(
        N_("{actor} gave a cookie to {target}"),
        N_("You gave a cookie to {target}"),
        to_you=N_("{actor} gave you a cookie"),
    ),
    "karma.taken": Forms(
        N_("{actor} took a cookie from {target}"),
        N_("You took a cookie from {target}"),
        to_you=N_("{actor} took a cookie from you"),
    ),
    "meeting.started": Forms(N_("{actor} started the meeting {thing}"), N_("You started the meeting {thing}")),
    "meeting.finished": Forms(N_("{actor} finished the meeting {thing}"), N_("You finished the meeting {thing}")),
    "meeting.topic": Forms(
        N_("{actor} changed the topic of the meeting to {thing}"), N_("You changed the topic of the meeting to {thing}")
    ),
    "meeting.help": Forms(N_("{actor} called for help: {thing}"), N_("You called for help: {thing}")),
    "meeting.item": Forms(N_("{actor} noted in a meeting: {thing}"), N_("You noted in a meeting: {thing}")),
    "meeting.scheduled": Forms(N_("{actor} scheduled the meeting {thing}"), N_("You scheduled the meeting {thing}")),
    "meeting.rescheduled": Forms(N_("{actor} changed the meeting {thing}"), N_("You changed the meeting {thing}")),
    "meeting.canceled": Forms(N_("{actor} canceled the meeting {thing}"), N_("You canceled the meeting {thing}")),
    "meeting.reminder": Forms(N_("The meeting {thing} is coming up")),
    "calendar.created": Forms(N_("{actor} created the calendar {thing}"), N_("You created the calendar {thing}")),
    "calendar.edited": Forms(N_("{actor} edited the calendar {thing}"), N_("You edited the calendar {thing}")),
    "calendar.deleted": Forms(N_("{actor} deleted the calendar {thing}"), N_("You deleted the calendar {thing}")),
    "calendar.cleared": Forms(N_("{actor} cleared the calendar {thing}"), N_("You cleared the calendar {thing}")),
    "calendar.uploaded": Forms(
        N_("{actor} uploaded meetings to the calendar {thing}"), N_("You uploaded meetings to the calendar {thing}")
    ),
    "post.published": Forms(N_("{actor} published the post {thing}"), N_("You published the post {thing}")),
    "post.liked": Forms(
        N_("{actor} liked a post of {target} in {thing}"),
        N_("You liked a post of {target} in {thing}"),
        to_you=N_("{actor} liked your post in {thing}"),
    ),
    "planet.built": Forms(N_("The planet was rebuilt")),
    "wiki.edited": Forms(N_("{actor} edited the page {thing}"), N_("You edited the page {thing}")),
    "wiki.deleted": Forms(N_("{actor} deleted the page {thing}"), N_("You deleted the page {thing}")),
    "wiki.uploaded": Forms(N_("{actor} uploaded the file {thing}"), N_("You uploaded the file {thing}")),
    "topic.opened": Forms(N_("{actor} opened the topic {thing}"), N_("You opened the topic {thing}")),
    "topic.answered": Forms(N_("{actor} wrote in the topic {thing}"), N_("You wrote in the topic {thing}")),
    "topic.changed": Forms(
        N_("{actor} changed something in the topic {thing}"), N_("You changed something in the topic {thing}")
    ),
    "topic.solved": Forms(N_("{actor} solved the topic {thing}"), N_("You solved the topic {thing}")),
    "mail.sent": Forms(N_("{actor} wrote to a mailing list: {thing}"), N_("You wrote to a mailing list: {thing}")),
    "notifications.changed": Forms(N_("{actor} changed how they are notified"), N_("You changed how you are notified")),
}
