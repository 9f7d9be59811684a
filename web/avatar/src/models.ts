// Files of avatars: the built-in one and those that roles name, fetched once, and those a person gave for a performer,
// which stay in this tab.

import type { VRM } from "@pixiv/three-vrm";
import { Avatar, readModel, shareGeometry } from "./avatar";
import { ask } from "./key";
import type { Skeleton } from "./skeleton";
import type { Performer } from "./wire";

interface ModelFile {
  name: string;
  read(): Promise<ArrayBuffer>;
  first: VRM | null;
}

export class Models {
  private readonly builtIn = fetchedFile("The built-in avatar", "builtin.vrm");
  private readonly named = new Map<string, ModelFile>();
  private readonly own = new Map<string, ModelFile>();

  /** Takes a file for a stream's avatar until this page is closed. Throws when it is no VRM file. */
  async give(stream: string, file: Blob & { name: string }): Promise<void> {
    const bytes = await file.arrayBuffer();
    await readModel(bytes);
    this.own.set(stream, { name: file.name, read: () => Promise.resolve(bytes), first: null });
  }

  takeBack(stream: string): void {
    this.own.delete(stream);
  }

  nameFor(performer: Performer): string {
    return this.fileFor(performer).name;
  }

  isOwn(stream: string): boolean {
    return this.own.has(stream);
  }

  async makeAvatar(performer: Performer, skeleton: Skeleton): Promise<Avatar> {
    const file = this.fileFor(performer);
    const vrm = await readModel(await file.read());
    if (file.first) shareGeometry(file.first, vrm);
    else file.first = vrm;
    return new Avatar(vrm, skeleton);
  }

  private fileFor({ stream, avatar }: Performer): ModelFile {
    const own = this.own.get(stream);
    if (own) return own;
    if (avatar === null) return this.builtIn;
    const file = this.named.get(avatar) ?? fetchedFile(avatar, `models/${encodeURIComponent(avatar)}`);
    this.named.set(avatar, file);
    return file;
  }
}

function fetchedFile(name: string, path: string): ModelFile {
  let fetched: Promise<ArrayBuffer> | null = null;
  const fetchAnew = (): Promise<ArrayBuffer> =>
    fetchBytes(name, path).catch((error: unknown) => {
      // The service may be away, or its key not be known yet: whoever asks next gets another answer.
      fetched = null;
      throw error;
    });
  return { name, read: () => (fetched ??= fetchAnew()), first: null };
}

async function fetchBytes(name: string, path: string): Promise<ArrayBuffer> {
  const answer = await ask(path);
  if (!answer.ok) throw new Error(`the service answered ${answer.status} when asked for ${name}`);
  return answer.arrayBuffer();
}
