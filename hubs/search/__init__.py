"""Search over hubs, people and widgets, and the directories."""
