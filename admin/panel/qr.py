"""QR codes as pictures in a page (ISO/IEC 18004); segno draws them."""

import segno
from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """Return a QR code as an SVG element without a style of its own; empty if the text has no room in one."""
    try:
        code = segno.make_qr(text, error="l", boost_error=False)
    except segno.DataOverflowError:
        return Markup()
    # Without a class segno adds its own; without a size it fills the place that the style gives.
    drawn = code.svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    return Markup(drawn)  # noqa: S704 # drawn here, of numbers alone
