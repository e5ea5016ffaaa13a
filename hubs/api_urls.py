"""All paths of the JSON API, as pure functions. Programs depend on them, so they are stable."""

from hubs import urls


def front() -> str:
    """Return the path of the API's documentation."""
    return "/api/v1/"


def document() -> str:
    """Return the path of the API's OpenAPI document."""
    return "/api/v1/openapi.json"


def hub(kind: str, name: str) -> str:
    """Return the path of a hub in the API."""
    return f"/api/v1/hubs{urls.hub(kind, name).rstrip('/')}"


def widget(widget_id: int) -> str:
    """Return the path of a widget in the API."""
    return f"/api/v1/widgets/{widget_id}"
