"""The simulated bench: a plant with physics, and twins that speak the real wire protocols."""
