"""Files and databases of the data folder: safe writing, checking, and reading beside the owner."""
