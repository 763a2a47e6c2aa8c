"""The buttons: registry, context, and one file per button."""
