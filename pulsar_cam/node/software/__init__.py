"""What a node is made of: a Java, and the distribution of Pulsar, which is downloaded once."""
