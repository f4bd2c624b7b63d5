"""Where do the shapes of a drawing stand? Numbers only, for templates that draw SVG: the policy of the pages allows no inline styles."""
