"""The jobs of the second example."""
