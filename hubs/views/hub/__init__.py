"""The pages of one hub: reading, editing, members, settings, history."""
