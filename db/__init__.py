"""The store: what is remembered, as records, a port and its backends."""
