// Files of avatars: the built-in one, fetched once, and those a person gave for a performer, which stay in this tab.

import type { VRM } from "@pixiv/three-vrm";
import { Avatar, readModel, shareGeometry } from "./avatar";
import type { Skeleton } from "./skeleton";

interface ModelFile {
  name: string;
  read(): Promise<ArrayBuffer>;
  first: VRM | null;
}

export class Models {
  private readonly builtIn: ModelFile;
  private readonly own = new Map<string, ModelFile>();
  private fetched: Promise<ArrayBuffer> | null = null;

  constructor(address: string) {
    this.builtIn = { name: "The built-in avatar", read: () => (this.fetched ??= fetchBytes(address)), first: null };
  }

  /** Takes a file for a stream's avatar until this page is closed. Throws when it is no VRM file. */
  async give(stream: string, file: Blob & { name: string }): Promise<void> {
    const bytes = await file.arrayBuffer();
    await readModel(bytes);
    this.own.set(stream, { name: file.name, read: () => Promise.resolve(bytes), first: null });
  }

  takeBack(stream: string): void {
    this.own.delete(stream);
  }

  nameFor(stream: string): string {
    return this.fileFor(stream).name;
  }

  isOwn(stream: string): boolean {
    return this.own.has(stream);
  }

  async makeAvatar(stream: string, skeleton: Skeleton): Promise<Avatar> {
    const file = this.fileFor(stream);
    const vrm = await readModel(await file.read());
    if (file.first) shareGeometry(file.first, vrm);
    else file.first = vrm;
    return new Avatar(vrm, skeleton);
  }

  private fileFor(stream: string): ModelFile {
    return this.own.get(stream) ?? this.builtIn;
  }
}

async function fetchBytes(address: string): Promise<ArrayBuffer> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`the service answered ${answer.status} when asked for the built-in avatar`);
  return answer.arrayBuffer();
}
