"""Threads, hand-offs between them, waits and retries."""
