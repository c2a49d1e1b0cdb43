"""The support bot of the post-mortem."""
