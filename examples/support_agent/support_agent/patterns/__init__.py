"""Copies of pytest_agentready's patterns, which this project owns, and may change."""
