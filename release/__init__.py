"""What users install: built from the source tree, byte for byte the same wherever it is built."""
