"""Where frames go: the window, a snapshot."""
