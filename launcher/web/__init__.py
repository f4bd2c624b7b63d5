"""The roof over mx: the desk that it asks, joined out of the scheduler's desk, store, broker and files; and the server that serves it."""
