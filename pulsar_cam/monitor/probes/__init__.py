"""Messages that a monitor sends to itself, and what they say of the node."""
