"""GPIO through gpiozero."""
