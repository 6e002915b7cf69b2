// The form for a statement: signed here, with the person's own key, if the browser has one.
"use strict";
(async () => {
  const form = document.getElementById("state");
  const $ = (id) => document.getElementById("state-" + id);
  if (!globalThis.isSecureContext || !globalThis.indexedDB) return;
  const own = await pedigreeSign.load().catch(() => null);
  const { msp, channel, chaincode } = form.dataset;
  if (!own?.certificate || own.mspId !== msp || own.channel !== channel || own.chaincode !== chaincode || Date.now() > own.until) return;
  $("person").textContent = pedigreeSign.commonName(own.subject);
  $("own").checked = true;
  $("signer").hidden = false;
  $("unsigned").hidden = true;

  async function post(path, body) {
    const answer = await fetch(path, {
      method: "POST", body: JSON.stringify(body),
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-Pedigree-Form": form.elements.csrf.value },
    });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    const first = said.problems?.[0];
    const error = new Error([said.title, said.detail, first?.detail].filter(Boolean).join(". ") || "The gateway couldn't do that.");
    throw Object.assign(error, { status: answer.status, code: first?.code ?? said.code });
  }

  form.addEventListener("submit", async (event) => {
    if (!$("own").checked) return;
    event.preventDefault();
    const button = form.querySelector("button[type=submit]"), problem = $("problem");
    const value = (name) => form.elements[name]?.value.trim().replaceAll("\r\n", "\n") ?? "";
    const intent = { kind: value("kind"), about: value("about"), predicate: { reason: value("reason"), instructions: value("instructions"), scope: value("scope") } };
    button.disabled = true;
    problem.hidden = true;
    try {
      const receipt = await pedigreeSign.record(own, intent, post);
      location.assign("/records/" + encodeURIComponent(receipt.id));
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      button.disabled = false;
    }
  });
})();
