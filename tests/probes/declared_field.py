"""A pytest plugin: one more hub field, declared before anything is derived from the declarations."""

from hubs.models import hub_fields

FIELD = hub_fields.HubField(
    "matrix_room",
    label="Matrix room",
    help="Where the team talks.",
    max_length=40,
    stored_in="extras",
    page="general",
    contact="Matrix",
    link="https://matrix.to/{}",
)
hub_fields.HUB_FIELDS = (*hub_fields.HUB_FIELDS, FIELD)
