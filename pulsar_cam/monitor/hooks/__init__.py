"""What is called when the state has changed, and when that is."""
