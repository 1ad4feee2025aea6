"""Who is told of a change of state, and when."""
