"""Hypothesis strategies for valid values of parameters, bodies and queries of the API."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from hubs.actions.inbox.listing import Box
from hubs.actions.inbox.marks import Mark
from hubs.actions.people.announcements import FIELDS
from hubs.actions.widgets import LIMIT
from hubs.models import SIDES, MuteScope, NoticeKind, NoticeReason, Visibility, Width
from hubs.models.hub_fields import HUB_FIELDS
from hubs.widgets.parameters import Parameter
from hubs.widgets.push import CONTENT
from hubs.widgets.registry import Registry

#: Any character that a database can store, odd ones included.
_LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
_PARAGRAPHS = st.lists(_LINE, max_size=5).map("\n".join)
_SPECIAL = {
    "url": ["https://example.org", "http://[2001:db8::1]:8080/ä?q=1#x"],
    "username": ["member", "nobody.here"],
    "hub": ["t/otters", "u/owner", "t/nowhere"],
    "package": ["bash", "python3-flask", "g++"],
    "project": ["github:owner/name", "forgejo:codeberg.org/a/b"],  # what every widget with projects reads
}
#: Texts of a form that their parameter does not name.
_NAMED = {
    "release_start": ["2026-04-14"],
    "email": ["nobody@example.org"],
    "group": ["infra-sig"],
    "branch": ["main", "release/1.0"],
}


def value_of(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Return the valid values of a parameter."""
    if parameter.kind in ("choice", "many"):
        choice = st.sampled_from([value for value, _label in parameter.choices])
        return choice if parameter.kind == "choice" else st.lists(choice, unique=True, max_size=3)
    if parameter.kind == "number":
        return st.integers(parameter.minimum, parameter.maximum)
    if parameter.kind == "switch":
        return st.booleans()
    if parameter.kind == "rows":
        return st.lists(_row(parameter.fields), max_size=3)
    if values := _SPECIAL.get(parameter.kind) or _NAMED.get(parameter.name):
        return st.sampled_from([*values, *([] if parameter.required else [""])])
    text = _PARAGRAPHS if parameter.kind == "markdown" else _LINE
    return text.map(lambda typed: typed if typed.strip() else "x") if parameter.required else text


def _row(fields: Iterable[Parameter]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({field.name: value_of(field) for field in fields})


def _settings(parameters: Iterable[Parameter]) -> st.SearchStrategy[dict[str, Any]]:
    """Return settings of a widget; what is not required may be missing."""
    required = {parameter.name: value_of(parameter) for parameter in parameters if parameter.required}
    optional = {parameter.name: value_of(parameter) for parameter in parameters if not parameter.required}
    return st.fixed_dictionaries(required, optional=optional)


def body_of(method: str, path: str, registry: Registry, plugin: str) -> st.SearchStrategy[Any] | None:
    """Return the valid bodies of an operation, None if it has no body; ``plugin`` is the type of the widget."""
    if method == "PUT" and path.startswith("/api/v1/push/"):
        return _row(CONTENT)
    if method == "PATCH" and path.endswith("/hubs/{space}/{name}"):
        fields = {field.name: value_of(field) for field in HUB_FIELDS if field.in_api}
        fields["avatar"] = st.sampled_from(["", "Ä", "ot", "🦦"])
        fields["embed_on"] = st.sampled_from(["", "*", "https://blog.example.org https://wiki.example.org"])
        return st.fixed_dictionaries({}, optional=fields).filter(bool)
    if path.endswith(("/pages", "/pages/{slug}")) and method in ("POST", "PATCH"):
        title = st.sampled_from(["Plans", "Ä", "計画", "x" * 64])
        more = {"visibility": st.sampled_from(list(Visibility)), "left_width": st.integers(1, 11)}
        if method == "POST":
            slug = st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True).filter(lambda name: name != "start")
            return st.fixed_dictionaries({"slug": slug, "title": title}, optional=more)
        return st.fixed_dictionaries({"position": st.integers(0, 8)}, optional={"title": title, **more})
    common = {"label": _LINE, "visibility": st.sampled_from(list(Visibility)), "width": st.sampled_from(list(Width))}
    if method == "PATCH":
        sides = [side for side in SIDES if registry.get(plugin).fits("team", side)]
        place = {"side": st.sampled_from(sides), "position": st.integers(0, LIMIT)}
        parameters = registry.get(plugin).parameters
        return st.fixed_dictionaries({}, optional={**common, **place, "settings": _settings(parameters)}).filter(bool)
    if path.endswith("/notices/marks"):
        chosen = st.lists(st.integers(1, 99), min_size=1, max_size=5)
        acts = [mark for mark in Mark if mark != Mark.SNOOZE]
        return st.fixed_dictionaries({"ids": chosen, "mark": st.sampled_from(acts)})
    if method == "POST" and path.endswith("/mutes"):
        value = _LINE.map(lambda typed: typed.strip() or "x")
        return st.fixed_dictionaries({"scope": st.just("person"), "value": value})
    if method == "POST" and path.endswith("/announcements"):
        optional = {field.name: value_of(field) for field in FIELDS if field.name in ("text", "link", "public")}
        return st.fixed_dictionaries({"title": _LINE.map(lambda typed: typed.strip() or "x")}, optional=optional)
    if method == "POST":
        types = [kind for kind in registry if kind.fits("team", "left")]
        return st.sampled_from(types).flatmap(
            lambda kind: st.fixed_dictionaries(
                {"type": st.just(kind.name), "settings": _settings(kind.parameters), "side": st.just("left")},
                optional=common,
            )
        )
    return None


def query_of(names: Iterable[str], cursor: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid queries of an operation with these parameters; ``cursor`` is one that the server gave."""
    known = {
        "limit": st.integers(1, 20),
        "cursor": st.just(cursor),
        "kind": st.sampled_from(["", "user", "team", "project"]),
        "q": _LINE,
        "mine": st.booleans().map(lambda on: str(on).lower()),
        "archived": st.booleans().map(lambda on: str(on).lower()),
        "role": st.sampled_from(["", "owner", "member"]),
    }
    if "box" in names:
        known |= {"kind": st.sampled_from(["", *NoticeKind]), "hub": st.sampled_from(["", "t/otters", "u/owner"])}
        known |= {"box": st.sampled_from(list(Box)), "reason": st.sampled_from(["", *NoticeReason]), "person": _LINE}
    if "scope" in names:
        return st.fixed_dictionaries({"scope": st.sampled_from(list(MuteScope)), "value": st.sampled_from(["1", "x"])})
    parameters = {name: known[name] for name in names}
    required = {"q": parameters.pop("q")} if set(parameters) == {"q", "limit"} else {}
    return st.fixed_dictionaries(required, optional=parameters)
