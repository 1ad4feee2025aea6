"""The admin REST API: topics, their limits and statistics."""
