"""Free text: matching, reviewed answers to questions, and danger words."""
