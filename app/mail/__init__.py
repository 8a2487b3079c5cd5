"""E-mail: templates, triggers, and the providers that deliver it."""
