"""What many runs say together: yield, what fails, capability, times, reworks, people. Pure: rows in, figures out.

Each figure comes with how many it was made of, what was left out, and an interval where it is a share or an index. No
database, no file and no drawing lives here; the golden unit's charts are in `station.metrology`.
"""
