"""Values and their rules: no input, no output, no clock."""
