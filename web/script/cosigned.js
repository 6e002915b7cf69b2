// What other organisations say of a page: they are asked once the reader comes to it. Without this, a link asks them.
"use strict";
(() => {
  const patience = 20000; // milliseconds
  const place = document.querySelector("#cosigned[data-ask]");
  if (!place) return;
  const text = place.querySelector("[aria-live]");
  const before = text.cloneNode(true);

  async function ask() {
    const waiting = document.createElement("p");
    waiting.className = "quiet loading";
    waiting.textContent = "Asking the other organisations …";
    text.replaceChildren(waiting);
    try {
      const answer = await fetch(place.dataset.ask, { signal: AbortSignal.timeout(patience) });
      if (!answer.ok || answer.redirected) throw new Error("no answer");
      const said = new DOMParser().parseFromString(await answer.text(), "text/html");
      text.replaceChildren(...said.body.childNodes);
    } catch {
      text.replaceChildren(...before.cloneNode(true).childNodes);
    }
  }

  new IntersectionObserver((entries, observer) => {
    if (!entries.some((e) => e.isIntersecting)) return;
    observer.disconnect();
    ask();
  }).observe(place);
})();
