"""What the approval operator is made of: asking, the schedule of reminders, and what a decision means."""
