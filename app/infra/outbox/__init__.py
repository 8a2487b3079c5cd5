"""The outbox: work committed with what asks for it, held by one worker at a time, tried until it is done or dead."""
