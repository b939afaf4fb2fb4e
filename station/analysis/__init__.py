"""Pure numpy: levels, tones, spectra, stepped sine, envelopes. No I/O, no state."""
