"""What a camera reads from a screen."""

import base64

import zxingcpp
from playwright.sync_api import Locator

_GREY = """async (png) => {
  const picture = new Image();
  picture.src = "data:image/png;base64," + png;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const drawing = canvas.getContext("2d");
  drawing.drawImage(picture, 0, 0);
  const colours = drawing.getImageData(0, 0, picture.width, picture.height).data;
  return [picture.width, picture.height, Array.from({length: colours.length / 4}, (_, at) => colours[4 * at + 1])];
}"""


def scanned(element: Locator) -> str:
    """Return what the QR code says that is shown there, whatever its colours."""
    png = base64.b64encode(element.screenshot()).decode()
    # An empty page lets itself be drawn on; the panel's own policy does not.
    with element.page.context.expect_page() as opened:
        element.page.context.new_page()
    width, height, grey = opened.value.evaluate(_GREY, png)
    opened.value.close()
    found = zxingcpp.read_barcode(memoryview(bytes(grey)).cast("B", (height, width)))
    assert found is not None, "no camera could read this"
    return str(found.text)
