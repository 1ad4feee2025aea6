"""Where frames come from: cameras, films, streams and the test pattern."""
