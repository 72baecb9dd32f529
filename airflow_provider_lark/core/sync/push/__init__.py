"""From SQL to Lark: the queue is drained, and every write is noted before it is sent."""
