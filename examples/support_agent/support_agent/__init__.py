"""A support agent whose tools survive production."""
