"""Brings the panel's catalogs up to what its code says, and compiles them: `python -m toolchain.translations`.

A text that is new in the code stands in each catalog without a translation then, and one that is gone is gone there.
"""

from collections.abc import Iterator
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

PANEL = Path("admin/panel")
LANGUAGES = ("fa", "ru", "zh")
"""Beside English, which is what stands in the code."""

_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}

Text = str | tuple[str, ...]
"""A text, or its singular and plural."""


def in_code() -> set[Text]:
    """Return every text that the panel's code asks a translation of."""
    return {text for _, _, text, _, _ in extract_from_dir(PANEL, _METHODS, keywords=_KEYWORDS)}


def file_of(language: str) -> Path:
    """Return a language's catalog."""
    return PANEL / "translations" / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """Return what a language's catalog says."""
    with file_of(language).open("rb") as file:
        return read_po(file, language, abort_invalid=True)


def update(language: str, texts: set[Text]) -> Catalog:
    """Bring a catalog to these texts and write it; return it."""
    old, new = read(language), Catalog(language)
    for text in sorted(texts, key=lambda text: text if isinstance(text, str) else text[0]):
        known = old.get(text if isinstance(text, str) else text[0])
        new.add(text, known.string if known and known.id == text else "")
    with file_of(language).open("wb") as file:
        # The usual head holds times and names, which would differ with each run.
        file.write("".join(_head(language)).encode())
        write_po(file, new, omit_header=True, width=0)
    return new


def is_whole(message: Message) -> bool:
    """Return whether a text has a translation in each of its forms."""
    forms = message.string if isinstance(message.string, (tuple, list)) else [message.string]
    return all(forms) and not message.fuzzy


def compile_all() -> None:
    """Write what the running panel reads beside each catalog that has changed; the image does the same by itself."""
    for language in LANGUAGES:
        source = file_of(language)
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            with compiled.open("wb") as file:
                write_mo(file, read(language))


def _head(language: str) -> Iterator[str]:
    plural = Catalog(Locale.parse(language)).plural_forms
    yield 'msgid ""\nmsgstr ""\n'
    yield f'"Language: {language}\\n"\n'
    yield '"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n"Content-Transfer-Encoding: 8bit\\n"\n'
    yield f'"Plural-Forms: {plural}\\n"\n\n'


def main() -> None:
    """Update and compile all catalogs, and say what is left to translate."""
    texts = in_code()
    for language in LANGUAGES:
        catalog = update(language, texts)
        left = [message.id for message in catalog if message.id and not is_whole(message)]
        print(f"{language}: {len(texts)} texts, {len(left)} without a translation")
        print(*(f"    {text}" for text in left), sep="\n", end="\n" if left else "")
    compile_all()


if __name__ == "__main__":
    main()
