"""The session's own server extension."""
