"""What fits the engine to its users. Each module imports what it needs; this one imports nothing."""
