"""Prometheus metrics of a publisher, a viewer or a monitor, and the small HTTP server that they are asked from.

`families` says what there is; `publisher`, `viewer` and `monitor` read it from what is counted anyway, when somebody
asks and not before; `collector` puts it together, and `server` answers.
"""
