"""`ops rotate`: gives a secret another value, and says who must do what about it (decision 0030)."""
