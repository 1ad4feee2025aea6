"""Packets to Pulsar and back: the WebSocket sessions, the admin API, and what it takes to be let in."""
