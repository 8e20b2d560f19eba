"""Names and notes: what they may hold, and how they are compared.

Names are people's, in any script. Two names are the same if nobody could tell them apart when they are said or typed:
case, width and joiners do not count (Unicode Standard Annex 15 and 31, NFKC_Casefold).
"""

import unicodedata

from flask_babel import gettext as _

from .errors import UserError

NAME_LENGTH = 64
NOTE_LENGTH = 1000
_KEY_LENGTH = 128
# Persian spells words with the first; emoji of families are made with the second. Neither may hide in a name alone.
_JOINERS = {"\u200c", "\u200d"}
# PostgreSQL's texts hold no NUL, and UTF-8 no half of a pair.
_IGNORED = {*_JOINERS, "\0", *map(chr, range(0xD800, 0xE000))}
# Controls, direction overrides, surrogates, private and unassigned characters, and separators of lines.
_REFUSED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def checked_name(value: object) -> str:
    """Return the name in NFC and with single spaces; raises UserError if it is none."""
    if not isinstance(value, str):
        raise UserError("name", _("The name is no text; write it as one."))
    name = " ".join(unicodedata.normalize("NFC", value).split(" ")).strip()
    name = " ".join(filter(None, name.split(" ")))
    if not 1 <= len(name) <= NAME_LENGTH or len(name_key(name)) > _KEY_LENGTH:
        raise UserError("name", _(
            "The name has %(count)d characters; use 1 to %(most)d.", count=len(name), most=NAME_LENGTH))
    if unfit := [character for character in name if not _fits_name(character)]:
        raise UserError("name", _(
            "The name holds %(code)s, which cannot be seen or is no part of names; use letters, digits, spaces and "
            "signs other than / and \\.", code=_code(unfit[0])))
    if not any(unicodedata.category(character)[0] in "LN" for character in name):
        raise UserError("name", _("The name has neither letter nor digit; add one."))
    return name


def checked_note(value: object) -> str:
    """Return the note with \\n at line ends; raises UserError if it is too long or holds what cannot be shown."""
    if not isinstance(value, str):
        raise UserError("note", _("The note is no text; write it as one."))
    note = value.replace("\r\n", "\n").strip()
    if len(note) > NOTE_LENGTH:
        raise UserError("note", _(
            "The note has %(count)d characters; use up to %(most)d.", count=len(note), most=NOTE_LENGTH))
    if unfit := [character for character in note if character not in "\n\t" and not _is_visible(character)]:
        raise UserError("note", _(
            "The note holds %(code)s, which cannot be seen; remove it.", code=_code(unfit[0])))
    return note


def name_key(name: str) -> str:
    """Return what a name is compared and sorted by."""
    return folded(name)


def search_key(name: str, note: str) -> str:
    """Return what searches look through."""
    return f"{folded(name)}\n{folded(note)}"


def folded(text: str) -> str:
    """Return text without differences of case, width and joiners, and without what databases cannot compare."""
    plain = "".join(character for character in text if character not in _IGNORED)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())


def _fits_name(character: str) -> bool:
    return _is_visible(character) and character not in "/\\" and (
        character == " " or unicodedata.category(character) != "Zs")


def _is_visible(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in _REFUSED_CATEGORIES


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
