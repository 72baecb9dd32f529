"""What is to be kept in step, and how: mappings, and the files that they are read from."""
