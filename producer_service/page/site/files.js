// Photos and videos a person chooses or drops.

const OPEN_MS = 15_000;

/**
 * A file as a source: {kind: "photo", bitmap, size} or {kind: "video", address, startedAtMs}, and `release`.
 * Raises an Error with a sentence for what is neither.
 */
export async function readFile(file) {
  if (!file.size) throw new Error(`“${file.name}” is empty.`);
  if (file.type.startsWith("image/")) return readPhoto(file);
  if (file.type.startsWith("video/")) return readVideo(file);
  throw new Error(`“${file.name}” is neither a photo nor a video.`);
}

async function readPhoto(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error(`This browser cannot read “${file.name}” as a photo. JPEG, PNG and WebP work everywhere.`);
  }
  return { kind: "photo", bitmap, size: { width: bitmap.width, height: bitmap.height }, release: () => bitmap.close() };
}

async function readVideo(file) {
  const address = URL.createObjectURL(file);
  const probe = document.createElement("video");
  probe.preload = "metadata";
  const release = () => URL.revokeObjectURL(address);
  try {
    await new Promise((resolve, reject) => {
      probe.onloadedmetadata = () => (probe.videoWidth ? resolve() : reject());
      probe.onerror = reject;
      setTimeout(reject, OPEN_MS);
      probe.src = address;
    });
  } catch {
    release();
    throw new Error(`This browser cannot play “${file.name}”. MP4 (H.264) and WebM work in most.`);
  }
  probe.removeAttribute("src");
  return { kind: "video", address, startedAtMs: Date.now(), release };
}

/** Call `onFile` for a file dropped anywhere on the page; `sign` is shown while one is held over it. */
export function acceptDrops(page, sign, onFile) {
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  page.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    sign.hidden = false;
  });
  page.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) sign.hidden = true;
  });
  page.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    sign.hidden = true;
    if (event.dataTransfer.files[0]) onFile(event.dataTransfer.files[0]);
  });
}
