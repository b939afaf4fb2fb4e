"""A record of a run in the formats of other houses: CSV, WATS WSJF and ATML. Record in, bytes out; nothing is read or
written here, that is `station.cli.export`'s. `docs/exports.md` says field by field what becomes of each.
"""
