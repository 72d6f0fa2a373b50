"""Reading text without understanding it: a canonical form, and sketches that compare texts but cannot be read back."""
