"""Many light stations in one process: each speaks the whole contract with the broker, and there is no bench behind it.

For sizing a broker, a database and a collector (`simulate --fleet`), and for their tests. No store, no disk, no safety.
"""
