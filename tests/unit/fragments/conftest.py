"""The fixtures of the widgets' tests: a store of fragments whose widgets ask a local server."""

from tests.unit.widgets.conftest import build, fragments, member, upstream

__all__ = ["build", "fragments", "member", "upstream"]
