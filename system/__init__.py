"""Ground: timeperiods, the clock, life cycles, the process context, errors and logs."""
