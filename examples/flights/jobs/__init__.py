"""What do the demo's processes do? One module per tree; each function is one level of it."""
