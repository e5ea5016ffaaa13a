"""The front page: what is happening for visitors, and what concerns them for people who are signed in."""
