"""The outbox: jobs that commit with their data, claimed by one worker and retried until done or dead."""
