"""The approval centre for approvals of other systems (lark-api §13)."""
