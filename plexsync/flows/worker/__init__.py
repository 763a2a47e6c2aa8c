"""The drain loop and what it does by the clock."""
