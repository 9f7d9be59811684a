// Every new picture of a video element, as it is shown.

/**
 * Call `onFrame(capturedAtMs)` for each new picture until the returned function is called.
 * @param {HTMLVideoElement} video
 * @param {number|null} startedAtMs of a file: when it is taken to have begun, ms since 1970; null for a camera
 */
export function watchFrames(video, startedAtMs, onFrame) {
  let watching = true;
  const capturedAt = (metadata) => {
    if (startedAtMs !== null) return startedAtMs + (metadata?.mediaTime ?? video.currentTime) * 1000;
    // The camera's own moment, on the page's clock, which may have drifted from the wall's.
    const agoMs = metadata?.captureTime ? performance.now() - metadata.captureTime : 0;
    return Date.now() - Math.min(Math.max(agoMs, 0), 1000);
  };
  const next = (metadata) => {
    if (!watching) return;
    if (!video.paused && !video.ended && video.videoWidth) onFrame(capturedAt(metadata));
    wait();
  };
  const wait = video.requestVideoFrameCallback
    ? () => video.requestVideoFrameCallback((_, metadata) => next(metadata))
    : () => requestAnimationFrame(() => next(null));
  wait();
  return () => {
    watching = false;
  };
}
