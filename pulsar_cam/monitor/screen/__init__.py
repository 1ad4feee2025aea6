"""All that a monitor sees, on one screen of a terminal."""
