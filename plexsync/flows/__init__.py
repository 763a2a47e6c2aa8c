"""What happens: the loops and steps that join edges and policy."""
