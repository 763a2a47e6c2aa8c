"""Generated documents: settings, buttons and the performance chart, each from its single source."""
