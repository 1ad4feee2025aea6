"""A camera stream through Apache Pulsar over its raw WebSocket JSON API."""
