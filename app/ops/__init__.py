"""For operators: what is served on the admin port, never to the public."""
