"""Sentences about several activities of one person with the same verb."""

from collections.abc import Mapping

from hubs.activities.forms import GroupForms
from hubs.i18n import nN_

GROUPS: Mapping[str, GroupForms] = {
    "issue.opened": GroupForms(
        many=nN_("{actor} opened {num} issue", "{actor} opened {num} issues"),
        you_many=nN_("You opened {num} issue", "You opened {num} issues"),
    ),
    "issue.closed": GroupForms(
        many=nN_("{actor} closed {num} issue", "{actor} closed {num} issues"),
        you_many=nN_("You closed {num} issue", "You closed {num} issues"),
    ),
    "issue.commented": GroupForms(
        nN_("{actor} commented {num} time on {thing}", "{actor} commented {num} times on {thing}"),
        nN_("You commented {num} time on {thing}", "You commented {num} times on {thing}"),
        nN_("{actor} commented on {num} issue", "{actor} commented on {num} issues"),
        nN_("You commented on {num} issue", "You commented on {num} issues"),
    ),
    "issue.labeled": GroupForms(
        nN_("{actor} labeled {thing} {num} time", "{actor} labeled {thing} {num} times"),
        nN_("You labeled {thing} {num} time", "You labeled {thing} {num} times"),
        nN_("{actor} changed the labels of {num} issue", "{actor} changed the labels of {num} issues"),
        nN_("You changed the labels of {num} issue", "You changed the labels of {num} issues"),
    ),
    "pull.opened": GroupForms(
        many=nN_("{actor} opened {num} pull request", "{actor} opened {num} pull requests"),
        you_many=nN_("You opened {num} pull request", "You opened {num} pull requests"),
    ),
    "pull.merged": GroupForms(
        many=nN_("{actor} merged {num} pull request", "{actor} merged {num} pull requests"),
        you_many=nN_("You merged {num} pull request", "You merged {num} pull requests"),
    ),
    "pull.closed": GroupForms(
        many=nN_("{actor} closed {num} pull request", "{actor} closed {num} pull requests"),
        you_many=nN_("You closed {num} pull request", "You closed {num} pull requests"),
    ),
    "pull.commented": GroupForms(
        nN_("{actor} commented {num} time on {thing}", "{actor} commented {num} times on {thing}"),
        nN_("You commented {num} time on {thing}", "You commented {num} times on {thing}"),
        nN_("{actor} commented on {num} pull request", "{actor} commented on {num} pull requests"),
        nN_("You commented on {num} pull request", "You commented on {num} pull requests"),
    ),
    "pull.updated": GroupForms(
        nN_("{actor} updated {thing} {num} time", "{actor} updated {thing} {num} times"),
        nN_("You updated {thing} {num} time", "You updated {thing} {num} times"),
        nN_("{actor} updated {num} pull request", "{actor} updated {num} pull requests"),
        nN_("You updated {num} pull request", "You updated {num} pull requests"),
    ),
    "bug.changed": GroupForms(
        nN_("{actor} changed {thing} {num} time", "{actor} changed {thing} {num} times"),
        nN_("You changed {thing} {num} time", "You changed {thing} {num} times"),
        nN_("{actor} changed {num} bug", "{actor} changed {num} bugs"),
        nN_("You changed {num} bug", "You changed {num} bugs"),
    ),
    "bug.commented": GroupForms(
        nN_("{actor} commented {num} time on {thing}", "{actor} commented {num} times on {thing}"),
        nN_("You commented {num} time on {thing}", "You commented {num} times on {thing}"),
        nN_("{actor} commented on {num} bug", "{actor} commented on {num} bugs"),
        nN_("You commented on {num} bug", "You commented on {num} bugs"),
    ),
    "code.pushed": GroupForms(
        nN_("{actor} pushed {num} time to {thing}", "{actor} pushed {num} times to {thing}"),
        nN_("You pushed {num} time to {thing}", "You pushed {num} times to {thing}"),
        nN_("{actor} pushed to {num} branch", "{actor} pushed to {num} branches"),
        nN_("You pushed to {num} branch", "You pushed to {num} branches"),
    ),
    "build.complete": GroupForms(
        many=nN_("{actor} built {num} package", "{actor} built {num} packages"),
        you_many=nN_("You built {num} package", "You built {num} packages"),
    ),
    "build.failed": GroupForms(
        many=nN_("{num} build of {actor} failed", "{num} builds of {actor} failed"),
        you_many=nN_("{num} build of yours failed", "{num} builds of yours failed"),
    ),
    "build.started": GroupForms(
        many=nN_("{actor} started {num} build", "{actor} started {num} builds"),
        you_many=nN_("You started {num} build", "You started {num} builds"),
    ),
    "build.tagged": GroupForms(
        many=nN_("{actor} tagged {num} build", "{actor} tagged {num} builds"),
        you_many=nN_("You tagged {num} build", "You tagged {num} builds"),
    ),
    "update.commented": GroupForms(
        nN_("{actor} commented {num} time on {thing}", "{actor} commented {num} times on {thing}"),
        nN_("You commented {num} time on {thing}", "You commented {num} times on {thing}"),
        nN_("{actor} commented on {num} update", "{actor} commented on {num} updates"),
        nN_("You commented on {num} update", "You commented on {num} updates"),
    ),
    "update.submitted_to_testing": GroupForms(
        many=nN_("{actor} submitted {num} update to testing", "{actor} submitted {num} updates to testing"),
        you_many=nN_("You submitted {num} update to testing", "You submitted {num} updates to testing"),
    ),
    "wiki.edited": GroupForms(
        nN_("{actor} edited {thing} {num} time", "{actor} edited {thing} {num} times"),
        nN_("You edited {thing} {num} time", "You edited {thing} {num} times"),
        nN_("{actor} edited {num} page", "{actor} edited {num} pages"),
        nN_("You edited {num} page", "You edited {num} pages"),
    ),
    "topic.answered": GroupForms(
        nN_("{actor} wrote {num} time in {thing}", "{actor} wrote {num} times in {thing}"),
        nN_("You wrote {num} time in {thing}", "You wrote {num} times in {thing}"),
        nN_("{actor} wrote in {num} topic", "{actor} wrote in {num} topics"),
        nN_("You wrote in {num} topic", "You wrote in {num} topics"),
    ),
    "mail.sent": GroupForms(
        nN_("{actor} wrote {num} mail: {thing}", "{actor} wrote {num} mails: {thing}"),
        nN_("You wrote {num} mail: {thing}", "You wrote {num} mails: {thing}"),
        nN_("{actor} wrote {num} mail to mailing lists", "{actor} wrote {num} mails to mailing lists"),
        nN_("You wrote {num} mail to mailing lists", "You wrote {num} mails to mailing lists"),
    ),
    "translation.changed": GroupForms(
        nN_("{actor} translated {num} time for {thing}", "{actor} translated {num} times for {thing}"),
        nN_("You translated {num} time for {thing}", "You translated {num} times for {thing}"),
        nN_("{actor} worked on {num} translation", "{actor} worked on {num} translations"),
        nN_("You worked on {num} translation", "You worked on {num} translations"),
    ),
    "badge.earned": GroupForms(
        many=nN_("{actor} earned {num} badge", "{actor} earned {num} badges"),
        you_many=nN_("You earned {num} badge", "You earned {num} badges"),
    ),
    "karma.given": GroupForms(
        many=nN_("{actor} gave {num} cookie", "{actor} gave {num} cookies"),
        you_many=nN_("You gave {num} cookie", "You gave {num} cookies"),
    ),
}
