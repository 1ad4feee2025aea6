"""Prometheus metrics of a publisher, a viewer or a monitor, and the small HTTP server that serves them.

`families` says what there is; `publisher`, `viewer` and `monitor` read it from what is counted anyway, when they are
scraped and not before; `collector` puts it together, and `server` answers.
"""
