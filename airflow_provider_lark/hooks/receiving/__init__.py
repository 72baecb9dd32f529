"""What opens the ways by which Lark reaches an app: doors, inbox, questions to people and the approval centre."""
