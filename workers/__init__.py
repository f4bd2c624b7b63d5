"""Workers: claim units of work, run them in slots, write their outcomes."""
