"""Stand-ins for what opens windows: there is no screen."""

from __future__ import annotations

from typing import Any

from IPython.display import Image, display


def cv2_imshow(a: Any) -> None:
    """Shows an image of OpenCV (grey, BGR or BGRA) below the cell."""
    import cv2  # noqa: PLC0415 - not in every image, and only who has pictures has it

    done, png = cv2.imencode(".png", a.clip(0, 255).astype("uint8"))
    if not done:
        raise ValueError("This is no image that OpenCV can write.")
    display(Image(data=png.tobytes(), format="png"))
