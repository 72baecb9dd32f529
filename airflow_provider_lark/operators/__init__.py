"""Operators: each reads its parameters, calls one function of the core, and answers compact JSON."""
