"""The platform's routes: wire in, state called, wire out."""
