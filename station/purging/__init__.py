"""Retention at the bench: what is old goes from store and captures, once a day or when somebody asks for it."""
