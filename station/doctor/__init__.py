"""What answers on this bench, what does not, and what to try. Reads; never energises, never judges a DUT."""
