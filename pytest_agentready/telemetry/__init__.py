"""What the user's code tells OpenTelemetry, seen without a word of its own set-up: the capture, the dialects, the trace as a tree."""
