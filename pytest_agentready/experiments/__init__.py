"""Experiments: each runs a subject in worlds of one kind and records what it saw. They hold no opinion."""
