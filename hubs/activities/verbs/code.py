"""Sentences about code, projects, groups and accounts."""

from collections.abc import Mapping

from hubs.activities.forms import Forms
from hubs.i18n import N_

VERBS: Mapping[str, Forms] = {
    "code.pushed": Forms(N_("{actor} pushed to {thing}"), N_("You pushed to {thing}")),
    "branch.created": Forms(N_("{actor} created the branch {thing}"), N_("You created the branch {thing}")),
    "branch.deleted": Forms(N_("{actor} deleted the branch {thing}"), N_("You deleted the branch {thing}")),
    "branches.created": Forms(N_("{actor} created branches of packages"), N_("You created branches of packages")),
    "tag.created": Forms(N_("{actor} created the tag {thing}"), N_("You created the tag {thing}")),
    "tag.deleted": Forms(N_("{actor} deleted the tag {thing}"), N_("You deleted the tag {thing}")),
    "release.published": Forms(N_("{actor} published the release {thing}"), N_("You published the release {thing}")),
    "commit.commented": Forms(N_("{actor} commented on the commit {thing}"), N_("You commented on the commit {thing}")),
    "checks.passed": Forms(N_("The checks of {thing} passed")),
    "checks.failed": Forms(N_("The checks of {thing} failed")),
    "checks.state": Forms(N_("The checks of {thing} have a result")),
    "project.created": Forms(N_("{actor} created the project {thing}"), N_("You created the project {thing}")),
    "project.edited": Forms(N_("{actor} edited the project {thing}"), N_("You edited the project {thing}")),
    "project.deleted": Forms(N_("{actor} deleted the project {thing}"), N_("You deleted the project {thing}")),
    "project.forked": Forms(N_("{actor} forked the project {thing}"), N_("You forked the project {thing}")),
    "project.changed": Forms(
        N_("{actor} changed something in the project {thing}"), N_("You changed something in the project {thing}")
    ),
    "project.starred": Forms(N_("{actor} starred the project {thing}"), N_("You starred the project {thing}")),
    "project.team_added": Forms(
        N_("{actor} added a group to the project {thing}"), N_("You added a group to the project {thing}")
    ),
    "project.member_added": Forms(
        N_("{actor} added {target} to the project {thing}"),
        N_("You added {target} to the project {thing}"),
        to_you=N_("{actor} added you to the project {thing}"),
    ),
    "project.member_removed": Forms(
        N_("{actor} removed {target} from the project {thing}"),
        N_("You removed {target} from the project {thing}"),
        to_you=N_("{actor} removed you from the project {thing}"),
    ),
    "project.member_changed": Forms(
        N_("{actor} changed the access of {target} to the project {thing}"),
        N_("You changed the access of {target} to the project {thing}"),
        to_you=N_("{actor} changed your access to the project {thing}"),
    ),
    "group.created": Forms(N_("{actor} created the group {thing}"), N_("You created the group {thing}")),
    "group.edited": Forms(N_("{actor} edited the group {thing}"), N_("You edited the group {thing}")),
    "member.added": Forms(
        N_("{actor} added {target} to the group {thing}"),
        N_("You added {target} to the group {thing}"),
        to_you=N_("{actor} added you to the group {thing}"),
    ),
    "member.removed": Forms(
        N_("{actor} removed {target} from the group {thing}"),
        N_("You removed {target} from the group {thing}"),
        to_you=N_("{actor} removed you from the group {thing}"),
    ),
    "member.applied": Forms(N_("{actor} asked to join the group {thing}"), N_("You asked to join the group {thing}")),
    "member.changed": Forms(
        N_("{actor} changed the role of {target} in the group {thing}"),
        N_("You changed the role of {target} in the group {thing}"),
        to_you=N_("{actor} changed your role in the group {thing}"),
    ),
    "account.created": Forms(
        N_("{actor} created the account of {target}"),
        N_("You created the account of {target}"),
        to_you=N_("{actor} created your account"),
    ),
    "account.edited": Forms(
        N_("{actor} edited the account of {target}"),
        N_("You edited the account of {target}"),
        to_you=N_("{actor} edited your account"),
    ),
    "account.joined": Forms(N_("{actor} created an account"), N_("You created an account")),
    "account.own_edited": Forms(N_("{actor} edited their account"), N_("You edited your account")),
}
