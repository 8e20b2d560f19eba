"""`ops doctor`: looks for what is wrong with a server and its machine, and says what to do about each thing."""
