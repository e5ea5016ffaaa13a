"""Sentences about issues, pull requests and bugs."""

from collections.abc import Mapping

from hubs.activities.forms import Forms
from hubs.i18n import N_

VERBS: Mapping[str, Forms] = {
    "issue.opened": Forms(N_("{actor} opened the issue {thing}"), N_("You opened the issue {thing}")),
    "issue.closed": Forms(N_("{actor} closed the issue {thing}"), N_("You closed the issue {thing}")),
    "issue.reopened": Forms(N_("{actor} reopened the issue {thing}"), N_("You reopened the issue {thing}")),
    "issue.edited": Forms(N_("{actor} edited the issue {thing}"), N_("You edited the issue {thing}")),
    "issue.deleted": Forms(N_("{actor} deleted the issue {thing}"), N_("You deleted the issue {thing}")),
    "issue.assigned": Forms(
        N_("{actor} assigned the issue {thing} to {target}"),
        N_("You assigned the issue {thing} to {target}"),
        to_you=N_("{actor} assigned the issue {thing} to you"),
    ),
    "issue.unassigned": Forms(N_("{actor} unassigned the issue {thing}"), N_("You unassigned the issue {thing}")),
    "issue.labeled": Forms(
        N_("{actor} changed the labels of the issue {thing}"), N_("You changed the labels of the issue {thing}")
    ),
    "issue.linked": Forms(
        N_("{actor} changed what the issue {thing} depends on"), N_("You changed what the issue {thing} depends on")
    ),
    "issue.approved": Forms(N_("{actor} approved the issue {thing}"), N_("You approved the issue {thing}")),
    "issue.commented": Forms(N_("{actor} commented on the issue {thing}"), N_("You commented on the issue {thing}")),
    "issue.comment_edited": Forms(
        N_("{actor} edited a comment on the issue {thing}"), N_("You edited a comment on the issue {thing}")
    ),
    "issue.comment_deleted": Forms(
        N_("{actor} deleted a comment on the issue {thing}"), N_("You deleted a comment on the issue {thing}")
    ),
    "pull.opened": Forms(N_("{actor} opened the pull request {thing}"), N_("You opened the pull request {thing}")),
    "pull.closed": Forms(N_("{actor} closed the pull request {thing}"), N_("You closed the pull request {thing}")),
    "pull.merged": Forms(N_("{actor} merged the pull request {thing}"), N_("You merged the pull request {thing}")),
    "pull.reopened": Forms(
        N_("{actor} reopened the pull request {thing}"), N_("You reopened the pull request {thing}")
    ),
    "pull.edited": Forms(N_("{actor} edited the pull request {thing}"), N_("You edited the pull request {thing}")),
    "pull.updated": Forms(N_("{actor} updated the pull request {thing}"), N_("You updated the pull request {thing}")),
    "pull.deleted": Forms(N_("{actor} deleted the pull request {thing}"), N_("You deleted the pull request {thing}")),
    "pull.assigned": Forms(
        N_("{actor} assigned the pull request {thing} to {target}"),
        N_("You assigned the pull request {thing} to {target}"),
        to_you=N_("{actor} assigned the pull request {thing} to you"),
    ),
    "pull.unassigned": Forms(
        N_("{actor} unassigned the pull request {thing}"), N_("You unassigned the pull request {thing}")
    ),
    "pull.labeled": Forms(
        N_("{actor} changed the labels of the pull request {thing}"),
        N_("You changed the labels of the pull request {thing}"),
    ),
    "pull.commented": Forms(
        N_("{actor} commented on the pull request {thing}"), N_("You commented on the pull request {thing}")
    ),
    "pull.comment_edited": Forms(
        N_("{actor} edited a comment on the pull request {thing}"),
        N_("You edited a comment on the pull request {thing}"),
    ),
    "pull.comment_deleted": Forms(
        N_("{actor} deleted a comment on the pull request {thing}"),
        N_("You deleted a comment on the pull request {thing}"),
    ),
    "pull.approved": Forms(
        N_("{actor} approved the pull request {thing}"), N_("You approved the pull request {thing}")
    ),
    "pull.changes_requested": Forms(
        N_("{actor} requested changes to the pull request {thing}"),
        N_("You requested changes to the pull request {thing}"),
    ),
    "pull.reviewed": Forms(
        N_("{actor} reviewed the pull request {thing}"), N_("You reviewed the pull request {thing}")
    ),
    "pull.review_requested": Forms(
        N_("{actor} asked {target} to review the pull request {thing}"),
        N_("You asked {target} to review the pull request {thing}"),
        to_you=N_("{actor} asked you to review the pull request {thing}"),
    ),
    "bug.filed": Forms(N_("{actor} filed the bug {thing}"), N_("You filed the bug {thing}")),
    "bug.changed": Forms(N_("{actor} changed the bug {thing}"), N_("You changed the bug {thing}")),
    "bug.closed": Forms(N_("{actor} closed the bug {thing}"), N_("You closed the bug {thing}")),
    "bug.commented": Forms(N_("{actor} commented on the bug {thing}"), N_("You commented on the bug {thing}")),
    "bug.attached": Forms(
        N_("{actor} added an attachment to the bug {thing}"), N_("You added an attachment to the bug {thing}")
    ),
}
