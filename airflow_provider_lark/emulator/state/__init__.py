"""The state of the emulated tenant, independent of how requests reach it."""
