"""The conversation and its rules as pure functions: values in, values out."""
