"""The centre's end: subscribe, store, receipt."""
