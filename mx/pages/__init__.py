"""The pages: one file each, a function that makes its Blueprint over a desk."""
