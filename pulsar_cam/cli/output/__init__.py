"""What the command line prints: the log, the live line, and the library's words in the terms of options."""
