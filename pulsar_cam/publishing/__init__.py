"""Source to Pulsar: captured frames are encoded and sent, at a quality and rate that fit the link."""
