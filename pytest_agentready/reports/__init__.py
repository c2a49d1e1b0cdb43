"""Reports: one module per format, each a pure, sorted function of the results."""
