"""Packets to Pulsar and back: the WebSocket sessions, the admin API, tokens and certificates."""
