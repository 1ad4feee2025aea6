"""Frame to JPEG and back, and text drawn over pictures."""
