"""Rates, gaps, durations and clocks."""
