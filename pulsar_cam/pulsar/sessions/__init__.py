"""The WebSocket sessions: producers, consumers and readers, each opened again whenever it closes."""
