// What is going on, in one line, and what went wrong, until it is dismissed. Both are read out.

const byId = (id) => document.getElementById(id);

/** `tone`: idle, busy, good, warn or bad. */
export function showStatus(tone, text) {
  byId("status").dataset.tone = tone;
  // The same words again would be read out again.
  if (byId("status-text").textContent !== text) byId("status-text").textContent = text;
}

/** A sentence, what to do when the person wants to try again, and its tone: bad or warn. */
export function showProblem(sentence, retry = null, tone = "bad") {
  byId("problem").dataset.tone = tone;
  byId("problem").hidden = false;
  byId("problem-text").textContent = sentence;
  byId("problem-retry").hidden = !retry;
  byId("problem-retry").onclick = () => {
    clearProblem();
    retry?.();
  };
  byId("problem-close").onclick = clearProblem;
}

export function clearProblem() {
  byId("problem").hidden = true;
  byId("problem-text").textContent = "";
}

/** What a program said, as a sentence. */
export function endSentence(text) {
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(sentence) ? sentence : `${sentence}.`;
}
