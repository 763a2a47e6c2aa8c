"""What View Queue Status and the page show."""
