"""Pulsar to sink: deliveries are acknowledged, decoded and shown."""
