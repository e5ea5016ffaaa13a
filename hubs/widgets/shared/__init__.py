"""Code that several built-in widgets share."""
