// The page's elements by their ids, each of the kind it is asked for.

export function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} called ${id}`);
  return found;
}

export const button = (id: string): HTMLButtonElement => element(id, HTMLButtonElement);
export const input = (id: string): HTMLInputElement => element(id, HTMLInputElement);
export const select = (id: string): HTMLSelectElement => element(id, HTMLSelectElement);
export const part = (id: string): HTMLElement => element(id, HTMLElement);
export const canvas = (id: string): HTMLCanvasElement => element(id, HTMLCanvasElement);

export function setText(of: HTMLElement, text: string): void {
  if (of.textContent !== text) of.textContent = text;
}
