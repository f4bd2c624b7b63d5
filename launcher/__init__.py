"""The roof: what a person or a supervisor starts, and the only place where the parts are joined."""
