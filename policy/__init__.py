"""The policy pack: what every deploy must keep, judged before anything is made. It trusts no other code here."""
