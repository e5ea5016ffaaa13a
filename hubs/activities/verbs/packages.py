"""Sentences about packages, updates and new versions."""

from collections.abc import Mapping

from hubs.activities.forms import Forms
from hubs.i18n import N_

VERBS: Mapping[str, Forms] = {
    "build.started": Forms(
        N_("{actor} started the build {thing}"),
        N_("You started the build {thing}"),
        nobody=N_("The build {thing} has started"),
    ),
    "build.complete": Forms(
        N_("{actor} built {thing}"), N_("You built {thing}"), nobody=N_("The build {thing} is complete")
    ),
    "build.failed": Forms(
        N_("The build {thing} of {actor} failed"),
        N_("Your build {thing} failed"),
        nobody=N_("The build {thing} failed"),
    ),
    "build.canceled": Forms(
        N_("The build {thing} of {actor} was canceled"),
        N_("Your build {thing} was canceled"),
        nobody=N_("The build {thing} was canceled"),
    ),
    "build.deleted": Forms(
        N_("The build {thing} of {actor} was deleted"),
        N_("Your build {thing} was deleted"),
        nobody=N_("The build {thing} was deleted"),
    ),
    "build.tagged": Forms(
        N_("{actor} tagged the build {thing}"),
        N_("You tagged the build {thing}"),
        nobody=N_("The build {thing} was tagged"),
    ),
    "build.untagged": Forms(
        N_("{actor} untagged the build {thing}"),
        N_("You untagged the build {thing}"),
        nobody=N_("The build {thing} was untagged"),
    ),
    "task.state": Forms(
        N_("The task {thing} of {actor} has a new state"),
        N_("Your task {thing} has a new state"),
        nobody=N_("The task {thing} has a new state"),
    ),
    "rpm.signed": Forms(N_("The package {thing} was signed")),
    "repo.started": Forms(N_("The repository {thing} is being generated")),
    "repo.done": Forms(N_("The repository {thing} was generated")),
    "package.listed": Forms(N_("The listing of the package {thing} changed")),
    "package.changed": Forms(N_("{actor} changed the package {thing}"), N_("You changed the package {thing}")),
    "package.requested": Forms(
        N_("{actor} requested a change of the package {thing}"), N_("You requested a change of the package {thing}")
    ),
    "collection.changed": Forms(N_("{actor} changed the collection {thing}"), N_("You changed the collection {thing}")),
    "tagger.rank": Forms(
        N_("The rank of {actor} among the taggers of packages changed"),
        N_("Your rank among the taggers of packages changed"),
    ),
    "package.tagged": Forms(
        N_("{actor} tagged or rated the package {thing}"), N_("You tagged or rated the package {thing}")
    ),
    "worker.started": Forms(N_("A worker was started")),
    "koschei.builds": Forms(N_("The package {thing} builds again")),
    "koschei.fails": Forms(N_("The package {thing} fails to build")),
    "koschei.unresolved": Forms(N_("The dependencies of the package {thing} cannot be resolved")),
    "koschei.changed": Forms(N_("The state of the package {thing} changed")),
    "koschei.collection": Forms(N_("The state of the collection {thing} changed")),
    "sources.uploaded": Forms(
        N_("{actor} uploaded the source file {thing}"), N_("You uploaded the source file {thing}")
    ),
    "stack.changed": Forms(
        N_("{actor} changed the group of packages {thing}"), N_("You changed the group of packages {thing}")
    ),
    "override.created": Forms(
        N_("{actor} submitted a buildroot override for {thing}"),
        N_("You submitted a buildroot override for {thing}"),
        nobody=N_("A buildroot override for {thing} was submitted"),
    ),
    "override.expired": Forms(
        N_("{actor} expired a buildroot override for {thing}"),
        N_("You expired a buildroot override for {thing}"),
        nobody=N_("A buildroot override for {thing} expired"),
    ),
    "update.commented": Forms(N_("{actor} commented on the update {thing}"), N_("You commented on the update {thing}")),
    "update.edited": Forms(N_("{actor} edited the update {thing}"), N_("You edited the update {thing}")),
    "update.ejected": Forms(
        N_("The update {thing} of {actor} was ejected from the push"),
        N_("Your update {thing} was ejected from the push"),
        nobody=N_("The update {thing} was ejected from the push"),
    ),
    "update.karma_reached": Forms(
        N_("The update {thing} of {actor} reached its karma threshold"),
        N_("Your update {thing} reached its karma threshold"),
        nobody=N_("The update {thing} reached its karma threshold"),
    ),
    "update.ready_for_stable": Forms(
        N_("The update {thing} of {actor} may go to stable"),
        N_("Your update {thing} may go to stable"),
        nobody=N_("The update {thing} may go to stable"),
    ),
    "update.ready_for_tests": Forms(
        N_("The update {thing} of {actor} is ready for tests"),
        N_("Your update {thing} is ready for tests"),
        nobody=N_("The update {thing} is ready for tests"),
    ),
    "update.submitted_to_stable": Forms(
        N_("{actor} submitted the update {thing} to stable"), N_("You submitted the update {thing} to stable")
    ),
    "update.submitted_to_testing": Forms(
        N_("{actor} submitted the update {thing} to testing"), N_("You submitted the update {thing} to testing")
    ),
    "update.unpushed": Forms(N_("{actor} unpushed the update {thing}"), N_("You unpushed the update {thing}")),
    "update.revoked": Forms(
        N_("{actor} revoked the request of the update {thing}"), N_("You revoked the request of the update {thing}")
    ),
    "update.obsoleted": Forms(N_("{actor} obsoleted the update {thing}"), N_("You obsoleted the update {thing}")),
    "update.pushed_to_stable": Forms(
        N_("The update {thing} of {actor} was pushed to stable"),
        N_("Your update {thing} was pushed to stable"),
        nobody=N_("The update {thing} was pushed to stable"),
    ),
    "update.pushed_to_testing": Forms(
        N_("The update {thing} of {actor} was pushed to testing"),
        N_("Your update {thing} was pushed to testing"),
        nobody=N_("The update {thing} was pushed to testing"),
    ),
    "update.published": Forms(
        N_("The update {thing} of {actor} was announced"),
        N_("Your update {thing} was announced"),
        nobody=N_("The update {thing} was announced"),
    ),
    "upstream.added": Forms(
        N_("{actor} added the project {thing} to release monitoring"),
        N_("You added the project {thing} to release monitoring"),
    ),
    "upstream.tried": Forms(
        N_("{actor} tried to add the project {thing} to release monitoring"),
        N_("You tried to add the project {thing} to release monitoring"),
    ),
    "upstream.edited": Forms(
        N_("{actor} edited the project {thing} in release monitoring"),
        N_("You edited the project {thing} in release monitoring"),
    ),
    "upstream.removed": Forms(
        N_("{actor} removed the project {thing} from release monitoring"),
        N_("You removed the project {thing} from release monitoring"),
    ),
    "upstream.flagged": Forms(
        N_("{actor} flagged the project {thing} in release monitoring"),
        N_("You flagged the project {thing} in release monitoring"),
    ),
    "upstream.flag_set": Forms(
        N_("{actor} changed the flag {thing} in release monitoring"),
        N_("You changed the flag {thing} in release monitoring"),
    ),
    "upstream.mapped": Forms(
        N_("{actor} mapped the project {thing} to a package"), N_("You mapped the project {thing} to a package")
    ),
    "upstream.unmapped": Forms(
        N_("{actor} removed a mapping of the project {thing} to a package"),
        N_("You removed a mapping of the project {thing} to a package"),
    ),
    "upstream.version_removed": Forms(
        N_("{actor} removed a version of the project {thing}"), N_("You removed a version of the project {thing}")
    ),
    "upstream.released": Forms(N_("The project {thing} has a new version")),
    "upstream.distro_added": Forms(
        N_("{actor} added the distribution {thing} to release monitoring"),
        N_("You added the distribution {thing} to release monitoring"),
    ),
    "upstream.distro_edited": Forms(
        N_("{actor} edited the distribution {thing} in release monitoring"),
        N_("You edited the distribution {thing} in release monitoring"),
    ),
    "upstream.distro_removed": Forms(
        N_("{actor} removed the distribution {thing} from release monitoring"),
        N_("You removed the distribution {thing} from release monitoring"),
    ),
    "hotness.filed": Forms(N_("A bug about a new version was filed: {thing}")),
    "hotness.dropped": Forms(N_("The new version of {thing} was not followed up")),
    "hotness.mapped": Forms(N_("The package {thing} was mapped to its project")),
    "hotness.unmapped": Forms(N_("The package {thing} could not be mapped to its project")),
}
