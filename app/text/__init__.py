"""Text: the kinds that the API accepts, how spellings are compared, and names that look alike."""
