"""The pages of one's own account: sign-in, settings, tokens, stream, bookmarks, notifications."""
