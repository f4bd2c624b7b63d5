"""The broker: hints that travel between processes, as a port and its backends."""
