"""The colours of hubs as pictures need them: the two ends of a banner, each readable under white."""

#: By the value of a hub's field ``banner``; the empty one is the colour of the site.
HUES: dict[str, tuple[str, str]] = {
    "": ("#00458f", "#1c62b6"),
    "blue": ("#00458f", "#1c62b6"),
    "green": ("#01572f", "#0b7643"),
    "teal": ("#005256", "#057176"),
    "purple": ("#4e308e", "#694bb4"),
    "violet": ("#4e308e", "#694bb4"),
    "plum": ("#72245d", "#953d7c"),
    "red": ("#821a2a", "#a83442"),
    "rose": ("#821a2a", "#a83442"),
    "brown": ("#6a3a00", "#905203"),
    "amber": ("#6a3a00", "#905203"),
    "moss": ("#444e02", "#5e6b1e"),
    "slate": ("#3e4859", "#586478"),
}


def banner_colours(name: str) -> tuple[str, str]:
    """Return the darker and the lighter end of a banner; those of the site for an unknown name."""
    return HUES.get(name, HUES[""])
