"""The capture page: a camera, a photo or a video of the browser, and the landmarks found in it drawn over it."""
