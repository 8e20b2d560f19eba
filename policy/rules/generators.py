"""Where secrets come from."""

import math

from policy.allowlists import PUBLIC_RANDOM
from policy.making import ASVS, CRITICAL, HIGH, About, Faults, on_each
from policy.resources import PASSWORD, Resource

_LEAST_LENGTH = 24
_LEAST_BITS = 128
_CLASSES = {"lower": 26, "upper": 26, "numeric": 10, "special": 20}


@on_each(About(
    name="random-disallow-cleartext-generators",
    description="Every random value is a RandomPassword, which alone stays out of the state in clear.",
    remedy="Use a RandomPassword, and derive what needs another form from it as components/keys.py does.",
    severity=CRITICAL, standard=ASVS, reference="13.3.1"), "random:*")
def cleartext_generators(resource: Resource) -> Faults:
    if resource.kind != PASSWORD and resource.kind not in PUBLIC_RANDOM:
        yield f"{resource.kind.rpartition(':')[2]} writes its value into the state in clear, as its id"


@on_each(About(
    name="random-password-strength",
    description="A secret cannot be guessed, and no destroy takes it away.",
    remedy=f"Set length to at least {_LEAST_LENGTH} of letters and digits, leave keepers and min..., and set protect.",
    severity=HIGH, standard=ASVS, reference="11.5.1"), PASSWORD)
def password_strength(password: Resource) -> Faults:
    length = password.number("length") or 0
    bits = length * math.log2(max(_alphabet(password), 1))
    if length < _LEAST_LENGTH or bits < _LEAST_BITS:
        yield f"it has {length} characters and {bits:.0f} bits"
    for name in ("minLower", "minNumeric", "minSpecial", "minUpper"):
        if password.number(name):
            yield f"{name} says which characters it has, which leaves fewer bits than its length"
    if password.has("keepers"):
        yield "it has keepers, which stand in the state in clear and make it anew when they change"
    if not password.is_protected:
        yield "a destroy takes it away, and with it every client's way in"


def _alphabet(password: Resource) -> int:
    sizes = dict(_CLASSES)
    if password.has("overrideSpecial"):
        sizes["special"] = len(set(password.text("overrideSpecial")))
    # The same switch has an older name.
    given = {name: password.flag(name) for name in sizes}
    given["numeric"] = given["numeric"] if password.has("numeric") else password.flag("number")
    return sum(size for name, size in sizes.items() if given[name] is not False)
