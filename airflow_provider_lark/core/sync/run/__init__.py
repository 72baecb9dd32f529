"""What a run works with: its transactions, its lease, its guard, and the writing to SQL."""
