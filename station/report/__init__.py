"""HTML report and label, from a record alone, in a process of its own."""
