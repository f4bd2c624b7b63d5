"""What do pages and API show? Read models, one file per area: frozen values, made at the roof, the same for both."""
