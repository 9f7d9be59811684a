// What a stream plays, as the service keeps it for everybody: its receivers, mirrored or not, and its neutral face.

import { button, element, input, part, select, setText } from "./elements";
import { ask } from "./key";

interface Role {
  avatar: string | null;
  targets: string[] | null;
  mirror: boolean | null;
  ground_contact: boolean | null;
}

export class RolePanel {
  private stream: string | null = null;
  private shown: Partial<Role> = {};
  private readonly targets = element("targets", HTMLTextAreaElement);

  constructor() {
    element("role", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save();
    });
    button("calibrate").addEventListener("click", () => void this.calibrate());
  }

  /** Shows the role of this stream; of nobody, or where the service keeps no roles, nothing is shown. */
  async show(stream: string | null): Promise<void> {
    if (stream === this.stream) return;
    this.stream = stream;
    part("role-card").hidden = true;
    if (stream === null) return;
    const answer = await ask("roles").catch(() => null);
    if (!answer?.ok) return;
    const roles = (await answer.json()) as Record<string, Role>;
    if (this.stream !== stream) return;
    const role: Partial<Role> = roles[stream] ?? {};
    await this.offerModels(role.avatar ?? "");
    if (this.stream !== stream) return;
    this.shown = role;
    this.targets.value = (role.targets ?? []).join("\n");
    input("role-mirror").checked = role.mirror ?? false;
    input("role-ground").checked = role.ground_contact ?? false;
    setText(part("role-said"), "");
    part("role-card").hidden = false;
  }

  private async offerModels(chosen: string): Promise<void> {
    const answer = await ask("models").catch(() => null);
    const models = answer?.ok ? ((await answer.json()) as string[]) : [];
    if (chosen && !models.includes(chosen)) models.push(chosen);
    const list = select("role-avatar");
    list.replaceChildren(new Option("The built-in avatar", ""), ...models.map((name) => new Option(name)));
    list.value = chosen;
    part("role-models").hidden = models.length === 0;
  }

  private async save(): Promise<void> {
    const targets = this.targets.value.split("\n").map((line) => line.trim());
    const role: Role = {
      avatar: select("role-avatar").value || null,
      // None at all says nothing, and what holds for everybody does then.
      targets: targets.some(Boolean) ? targets.filter(Boolean) : null,
      mirror: answerFor(input("role-mirror"), this.shown.mirror),
      ground_contact: answerFor(input("role-ground"), this.shown.ground_contact),
    };
    this.shown = role;
    await this.say("", { method: "PATCH", body: JSON.stringify(role) }, "Saved.");
  }

  private async calibrate(): Promise<void> {
    await this.say("/calibrate", { method: "POST" }, "The face of the next moment is taken for neutral.");
  }

  private async say(path: string, request: RequestInit, done: string): Promise<void> {
    const address = `roles/${encodeURIComponent(this.stream ?? "*")}${path}`;
    const answer = await ask(address, request).catch(() => null);
    const refused = answer?.ok ? null : await answer?.json().catch(() => null);
    const why = (refused as { message?: string } | null)?.message ?? "the service does not answer";
    setText(part("role-said"), answer?.ok ? done : `Not done: ${why}.`);
    part("role-said").scrollIntoView({ block: "nearest" });
  }
}

/** What a box says: nothing, for everybody's role to say it, as long as it was never ticked. */
function answerFor(box: HTMLInputElement, before: boolean | null | undefined): boolean | null {
  return box.checked || typeof before === "boolean" ? box.checked : null;
}
