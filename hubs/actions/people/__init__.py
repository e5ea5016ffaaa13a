"""What people do and are: sign-in, roles, membership, sessions, tokens, bookmarks, notifications."""
