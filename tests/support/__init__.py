"""Servers, shops, networks and receivers that tests, contract, crash test and benches share."""
