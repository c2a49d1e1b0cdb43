"""A tool's arguments: the schema that they follow, plausible ones for a normal call, and hostile ones that break it."""
