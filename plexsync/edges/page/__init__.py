"""What the page in Stash reads and asks for."""
