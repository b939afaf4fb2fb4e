"""Label printers: one kind of wire and language a file."""
