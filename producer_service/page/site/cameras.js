// Cameras of this device, and what to say when there is none to be had.

/** What can be chosen before and after the browser tells names: `[{value, label}]`. */
export async function listCameras() {
  const ends = [
    { value: "facing:user", label: "Facing you" },
    { value: "facing:environment", label: "Facing away" },
  ];
  if (!navigator.mediaDevices?.enumerateDevices) return ends;
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  // Without permission they have neither names nor ids.
  const known = devices.filter((device) => device.kind === "videoinput" && device.deviceId && device.label);
  return [...ends, ...known.map((device) => ({ value: `device:${device.deviceId}`, label: device.label }))];
}

/** Open a camera. `choice` is a value of `listCameras`. Raises what `explainCamera` explains. */
export async function openCamera(choice, longest) {
  if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new InsecureContext();
  const [kind, value] = [choice.slice(0, choice.indexOf(":")), choice.slice(choice.indexOf(":") + 1)];
  const which = kind === "device" ? { deviceId: { exact: value } } : { facingMode: { ideal: value } };
  const width = { ideal: Math.max(640, longest) };
  return navigator.mediaDevices.getUserMedia({ video: { ...which, width, frameRate: { ideal: 30 } }, audio: false });
}

/** Whether people expect to see themselves in this camera as in a mirror. */
export function looksAtItsUser(stream) {
  return stream.getVideoTracks()[0]?.getSettings().facingMode !== "environment";
}

class InsecureContext extends Error {}

const SENTENCES = {
  NotAllowedError: "The browser was not allowed to use the camera. Allow it for this page (beside the address), then try again.",
  NotFoundError: "There is no camera here. Connect one, or choose a photo or a video.",
  OverconstrainedError: "The chosen camera is gone. Choose another one in the settings.",
  NotReadableError: "The camera is busy: another program or tab is using it. Close that one, then try again.",
  AbortError: "The camera did not start. Try again.",
  SecurityError: "This browser lets no page use a camera.",
};

export function explainCamera(error) {
  if (error instanceof InsecureContext) {
    return "Browsers give the camera only to pages from https:// or from this very machine (localhost). Photos and videos work here as well.";
  }
  return SENTENCES[error.name] ?? `The camera did not start: ${error.message || error.name}`;
}
