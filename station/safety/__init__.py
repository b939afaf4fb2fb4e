"""Scan (pure), permit (latch), kernel (fixed period), guarded ports: what may energise, and what takes it away."""
