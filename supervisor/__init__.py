"""The supervisor: keeps this box's scheduler and workers alive."""
