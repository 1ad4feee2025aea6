"""The monitor: probes of a node, the state of a stream, and what to do about it, seen as one `View` an interval."""
