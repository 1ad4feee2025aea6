"""Pulsar's JSON to values and back, without sockets."""
