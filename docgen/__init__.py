"""The documents that are generated: settings, buttons and the API, each from its one source."""
