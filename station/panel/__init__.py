"""What the technician sees and presses: lamps, buzzer patterns, prompts, scans."""
