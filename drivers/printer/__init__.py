"""Label printers: a wire a file, a language a file, and what is the same for all of them."""
