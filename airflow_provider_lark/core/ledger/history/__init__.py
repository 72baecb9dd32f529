"""What has happened to a table: a line for each run, and one for each change."""
