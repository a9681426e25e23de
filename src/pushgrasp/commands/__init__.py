"""What the commands do: put the parts together, run them, and say what happens."""
