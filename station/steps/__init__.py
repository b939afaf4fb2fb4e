"""What can be measured: one file a family. A step sees only guarded ports and never its limits."""
