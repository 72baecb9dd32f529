"""Policies for tasks: when to try again."""
