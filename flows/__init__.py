"""What is said and decided: values in, values out."""
