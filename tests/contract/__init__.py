"""The service held to its own contract, by Schemathesis, with every check that it has."""
