"""What fits the engine to its users. Modules import what they need; this one imports nothing."""
