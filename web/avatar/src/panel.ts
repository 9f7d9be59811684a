// The choices beside the stage: whom to show, with which model, and how.

import { button, canvas, element, input, part, select, setText } from "./elements";
import type { LatencyLog } from "./latency";
import type { Models } from "./models";
import { addressOf, FRAMINGS, type Options } from "./options";
import { RolePanel } from "./roles";
import type { Performer } from "./wire";

export interface Choices {
  /** Something that changes who or what is in the picture. */
  changed(isFramingAsked: boolean): void;
  changedModel(stream: string): void;
  failed(sentence: string): void;
}

export class Panel {
  private cast: readonly Performer[] = [];
  private readonly role = new RolePanel();

  constructor(
    private readonly options: Options,
    private readonly models: Models,
    private readonly choices: Choices,
  ) {
    select("performer").addEventListener("change", () => this.choosePerformer());
    this.bindSwitch("mirror");
    this.bindSwitch("skeleton");
    this.bindSwitch("labels", "labels-shown");
    for (const framing of FRAMINGS) {
      button(`frame-${framing}`).addEventListener("click", () => {
        options.framing = framing;
        this.render();
        choices.changed(true);
      });
    }
    select("background").addEventListener("change", () => this.chooseBackground());
    input("colour").addEventListener("input", () => this.chooseBackground());
    button("copy").addEventListener("click", () => void this.copyAddress());
    this.bindModels();
    this.render();
  }

  offer(cast: readonly Performer[]): void {
    this.cast = cast;
    const list = select("performer");
    const { performer } = this.options;
    const names = cast.map(({ stream }) => stream);
    // The one that was asked for stays chosen while it is not on stage.
    if (performer !== null && !names.includes(performer)) names.push(performer);
    const everybody = new Option(`Everybody (${cast.length})`, "");
    list.replaceChildren(everybody, ...names.map((name) => new Option(name, `=${name}`)));
    this.render();
  }

  showLatency(log: LatencyLog, of: string | null, nowMs: number): void {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    const colours = { line: colour("--accent"), soft: colour("--soft"), edge: colour("--edge") };
    log.draw(canvas("latency"), nowMs, colours);
    const summary = of === null ? null : log.summarise();
    setText(part("p50"), summary ? `${Math.round(summary.p50)} ms` : "—");
    setText(part("p95"), summary ? `${Math.round(summary.p95)} ms` : "—");
    setText(part("before"), summary ? `${Math.round(summary.beforeService)} ms` : "—");
    setText(part("latency-of"), of ?? "live only");
  }

  /** The performer that a file is for: the chosen one, or the only one. */
  private get target(): string | null {
    return this.options.performer ?? (this.cast.length === 1 ? this.cast[0].stream : null);
  }

  private choosePerformer(): void {
    const { value } = select("performer");
    this.options.performer = value === "" ? null : value.slice(1);
    this.render();
    this.choices.changed(true);
  }

  private bindSwitch(name: "mirror" | "skeleton" | "labels", id: string = name): void {
    const box = input(id);
    box.addEventListener("change", () => {
      this.options[name] = box.checked;
      this.choices.changed(false);
    });
  }

  private chooseBackground(): void {
    const { value } = select("background");
    this.options.background = value === "colour" ? input("colour").value : value;
    this.render();
  }

  private bindModels(): void {
    const picker = input("file");
    button("choose-file").addEventListener("click", () => picker.click());
    picker.addEventListener("change", () => {
      const [file] = picker.files ?? [];
      if (file) void this.take(file);
      picker.value = "";
    });
    button("built-in").addEventListener("click", () => {
      if (this.target === null) return;
      this.models.takeBack(this.target);
      this.choices.changedModel(this.target);
      this.render();
    });
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    document.addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dragging");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dragging");
      const [file] = event.dataTransfer?.files ?? [];
      if (file) void this.take(file);
    });
  }

  private async take(file: File): Promise<void> {
    const stream = this.target;
    if (stream === null) {
      this.choices.failed("Choose a performer first: the avatar is for one.");
      return;
    }
    try {
      await this.models.give(stream, file);
      // What was wrong with the file before is over.
      this.choices.failed("");
      this.choices.changedModel(stream);
    } catch (error) {
      this.choices.failed(`${file.name} is not used: ${error instanceof Error ? error.message : String(error)}.`);
    }
    this.render();
  }

  private async copyAddress(): Promise<void> {
    const address = addressOf(this.options, location.href);
    const field = input("address");
    field.value = address;
    field.hidden = false;
    field.select();
    try {
      await navigator.clipboard.writeText(address);
      setText(part("copied"), "Copied.");
    } catch {
      setText(part("copied"), "Copy it from here:");
    }
  }

  private render(): void {
    const { options } = this;
    select("performer").value = options.performer === null ? "" : `=${options.performer}`;
    input("mirror").checked = options.mirror;
    input("skeleton").checked = options.skeleton;
    input("labels-shown").checked = options.labels;
    for (const framing of FRAMINGS) {
      button(`frame-${framing}`).setAttribute("aria-pressed", String(framing === options.framing));
    }
    const isColour = options.background.startsWith("#");
    select("background").value = isColour ? "colour" : options.background;
    element("colour-field", HTMLElement).hidden = !isColour;
    if (isColour) input("colour").value = options.background;
    document.documentElement.dataset["background"] = isColour ? "colour" : options.background;
    part("stage").style.backgroundColor = isColour ? options.background : "";
    const { target } = this;
    const performer = this.cast.find(({ stream }) => stream === target) ?? null;
    const model = performer === null ? "Choose a performer to give them an avatar." : this.models.nameFor(performer);
    setText(part("model"), model);
    button("choose-file").disabled = performer === null;
    if (options.ui) void this.role.show(target);
    button("built-in").hidden = target === null || !this.models.isOwn(target);
  }
}
