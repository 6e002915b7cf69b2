// What other organisations say of a page: the answer to the link that asks them comes in its place. Nobody is asked
// unless the reader wants it, because the others learn what is asked.
"use strict";
(() => {
  const patience = 20000; // milliseconds
  const place = document.querySelector("#cosigned[data-ask]");
  if (!place) return;
  const text = place.querySelector("[aria-live]");

  async function ask() {
    const before = [...text.childNodes];
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
      text.replaceChildren(...before); // its link leads to a page of its own
      text.querySelector("a")?.removeEventListener("click", asked);
    }
  }

  function asked(event) {
    event.preventDefault();
    ask();
  }
  text.querySelector("a").addEventListener("click", asked);
})();
