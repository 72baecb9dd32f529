"""Records of a Bitable table, or view, into a SQL table: :func:`.dump.copy_to_sql`."""
