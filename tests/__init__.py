"""What is promised, held by tests; a folder for each part."""
