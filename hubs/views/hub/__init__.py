"""The pages of a hub: page, editor, members, settings, history."""
