"""``airflow lark …``: commands for whoever runs the connections."""
