"""The deployables. `services.X` imports `shared` and itself, never another service."""
