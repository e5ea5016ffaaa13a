"""Sentences about infrastructure."""

from collections.abc import Mapping

from hubs.activities.forms import Forms
from hubs.i18n import N_

VERBS: Mapping[str, Forms] = {
    "compose.started": Forms(N_("The compose {thing} has started")),
    "compose.finished": Forms(N_("The compose {thing} is finished")),
    "compose.failed": Forms(N_("The compose {thing} failed")),
    "compose.syncing": Forms(N_("The compose {thing} is being copied to the mirrors")),
    "compose.synced": Forms(N_("The compose {thing} was copied to the mirrors")),
    "compose.changed": Forms(N_("The compose {thing} has a new state")),
    "image.published": Forms(N_("The image {thing} was published")),
    "image.state": Forms(N_("The image {thing} has a new state")),
    "test.passed": Forms(N_("The test {thing} passed")),
    "test.failed": Forms(N_("The test {thing} failed")),
    "test.state": Forms(N_("The test {thing} has a new state")),
    "test.commented": Forms(N_("{actor} commented on the test {thing}"), N_("You commented on the test {thing}")),
    "test.comment_edited": Forms(
        N_("{actor} edited a comment on the test {thing}"), N_("You edited a comment on the test {thing}")
    ),
    "test.comment_deleted": Forms(
        N_("{actor} deleted a comment on the test {thing}"), N_("You deleted a comment on the test {thing}")
    ),
    "test.requested": Forms(
        N_("{actor} asked for the test {thing} to be run again"), N_("You asked for the test {thing} to be run again")
    ),
    "gate.opened": Forms(N_("{thing} passed the gate")),
    "gate.closed": Forms(N_("{thing} did not pass the gate")),
    "mirror.added": Forms(N_("{actor} added the mirror {thing}"), N_("You added the mirror {thing}")),
    "mirror.edited": Forms(N_("{actor} edited the mirror {thing}"), N_("You edited the mirror {thing}")),
    "mirror.deleted": Forms(N_("{actor} deleted the mirror {thing}"), N_("You deleted the mirror {thing}")),
    "mirror.crawled": Forms(N_("The mirrors were checked")),
    "mirror.crawling": Forms(N_("The mirrors are being checked")),
    "kernel.tested": Forms(N_("{actor} tested the kernel {thing}"), N_("You tested the kernel {thing}")),
    "kernel.release": Forms(
        N_("{actor} changed a release of the kernel tests {thing}"),
        N_("You changed a release of the kernel tests {thing}"),
    ),
    "election.created": Forms(N_("{actor} created the election {thing}"), N_("You created the election {thing}")),
    "election.edited": Forms(N_("{actor} edited the election {thing}"), N_("You edited the election {thing}")),
    "wallpaper.changed": Forms(
        N_("{actor} changed the wallpaper candidate {thing}"), N_("You changed the wallpaper candidate {thing}")
    ),
    "election.candidate": Forms(
        N_("{actor} added {target} as a candidate of the election {thing}"),
        N_("You added {target} as a candidate of the election {thing}"),
    ),
    "election.withdrawn": Forms(
        N_("{actor} removed {target} from the candidates of the election {thing}"),
        N_("You removed {target} from the candidates of the election {thing}"),
    ),
    "playbook.started": Forms(N_("{actor} started the playbook {thing}"), N_("You started the playbook {thing}")),
    "playbook.finished": Forms(N_("{actor} ran the playbook {thing}"), N_("You ran the playbook {thing}")),
    "translation.changed": Forms(
        N_("{actor} worked on the translation {thing}"),
        N_("You worked on the translation {thing}"),
        nobody=N_("The translation {thing} was changed"),
    ),
    "event.reported": Forms(N_("{actor}: {thing}"), nobody=N_("{thing} was reported")),
    "webhook.tested": Forms(N_("{actor} tested the webhook {thing}"), N_("You tested the webhook {thing}")),
    "host.state": Forms(N_("The monitoring reports on {thing}")),
}
