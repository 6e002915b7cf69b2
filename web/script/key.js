// The page about one's own key: makes it, shows the request for its certificate, and loads that.
"use strict";
(() => {
  const page = document.getElementById("key");
  const $ = (id) => document.getElementById("key-" + id);
  const { msp, channel, chaincode, folder } = page.dataset;
  const show = (id, on) => { $(id).hidden = !on; };
  let object = "";

  function fault(error) {
    $("problem").textContent = error ? error.message || String(error) : "";
    show("problem", Boolean(error));
  }

  async function draw() {
    const own = await pedigreeSign.load();
    show("make", !own);
    show("request", own && !own.certificate);
    show("load", own && !own.certificate);
    show("own", own?.certificate);
    show("remove", own);
    if (!own) return;
    $("csr").textContent = $("copy").dataset.copy = own.request;
    URL.revokeObjectURL(object);
    $("download").href = object = URL.createObjectURL(new Blob([own.request], { type: "application/pkcs10" }));
    $("command").textContent = `pedigree org user ${JSON.stringify(own.name)} --dir ${folder} --request request.csr`;
    if (!own.certificate) return;
    $("person").textContent = pedigreeSign.commonName(own.subject);
    $("subject").textContent = own.subject;
    $("msp").textContent = own.mspId;
    $("ledger").textContent = `channel ${own.channel}, chaincode ${own.chaincode}`;
    $("until").textContent = new Date(own.until).toISOString().slice(0, 10);
    if (Date.now() > own.until) throw new Error("The certificate has expired. Remove the key and make another.");
    if (own.mspId !== msp) throw new Error(`The key in this browser is of ${own.mspId}, and this is the gateway of ${msp}.`);
  }

  // act does something and shows what is there then.
  async function act(something) {
    fault();
    try { await something(); await draw(); } catch (error) { fault(error); }
  }

  $("make").addEventListener("submit", (event) => {
    event.preventDefault();
    act(async () => {
      const name = $("name").value.trim(), pair = await pedigreeSign.makeKey();
      await pedigreeSign.keep({ name, pair, request: await pedigreeSign.makeRequest(pair, name) });
      navigator.storage?.persist?.();
    });
  });
  $("load").addEventListener("submit", (event) => {
    event.preventDefault();
    act(async () => {
      const own = await pedigreeSign.load();
      await pedigreeSign.keep(await pedigreeSign.certify(own, $("certificate").value, { mspId: msp, channel, chaincode }));
      $("certificate").value = "";
    });
  });
  $("forget").addEventListener("click", () => act(pedigreeSign.forget));

  if (globalThis.isSecureContext && globalThis.indexedDB) act(() => {});
  else fault(new Error("Browsers make keys only on pages that come by HTTPS or from this host."));
})();
