"""The messages: envelope, bodies, signatures, schemas. No I/O; what both ends share."""
