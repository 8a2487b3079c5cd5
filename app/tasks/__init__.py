"""Tasks: the state of background jobs, for the accounts that requested them and for administrators."""
