"""A user's link: one secret address that answers each client program in the form that it reads, and people too.

`tokens` makes and reads the secret, `formats` knows the forms, the other modules are one form each: pure functions of
the server's facts and a user. `views` is the only one that knows of requests.
"""

from .formats import every_way
from .tokens import resolve, token, url
from .views import blueprint

__all__ = ["blueprint", "every_way", "resolve", "token", "url"]
