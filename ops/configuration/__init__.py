"""`ops config`: what a stack is made from: told by variables, flags and answers, and written into its file."""
