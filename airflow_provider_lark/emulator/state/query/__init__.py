"""Which records, and in which order: filters, formulas, sorting, and the values and days that they compare."""
