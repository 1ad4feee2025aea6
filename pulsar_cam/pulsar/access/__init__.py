"""What it takes to be accepted: tokens, where they come from, and TLS."""
