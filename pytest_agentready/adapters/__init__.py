"""Third-party objects made into subjects: one module per framework, each with `adapt(obj) -> Tool | None`."""
