"""The bench page: what a technician reads from two metres, in a process of its own.

It follows the daemon over the control socket and shows; it judges nothing and can neither energise nor reset. What it
must be told of other rooms (the socket's end, the lamps' table, advice) is handed in by `station.cli.page`.
"""
