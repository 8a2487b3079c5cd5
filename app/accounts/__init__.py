"""Accounts: registration, authentication, profiles and permissions."""
