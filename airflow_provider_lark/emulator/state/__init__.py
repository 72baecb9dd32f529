"""What the emulated tenant holds, apart from how requests reach it."""
