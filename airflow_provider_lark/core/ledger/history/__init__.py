"""What has happened to a table: a line for each run, one for each change, and the values of each write."""
