"""What a round looks at beside its probes: the node, the topic and the stream."""
