"""What people keep to themselves: a copy of their data, and deletion of their account."""
