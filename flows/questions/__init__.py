"""The questions: what is asked, in which order, and how an answer is parsed."""
