"""What tests, contract, crash test and benches share: servers, shops, networks and receivers."""
