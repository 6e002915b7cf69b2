// Signs statements with a person's own key. The key is kept by the browser, which gives it to nobody, this script
// included. What is signed is made here, byte for byte, of what the person means. Of the gateway's answers three things
// are taken: the digest of an artifact version, the places of what the statement refers to, and what the peers
// endorsed. The last is read strictly and held to the statement before the transaction made of it is signed. It is the
// same as gateway/verify/signing does for the command line.
"use strict";
const pedigreeSign = (() => {
  const text = new TextEncoder();
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const subtle = globalThis.crypto?.subtle;

  class Refused extends Error {}
  const refuse = (why) => { throw new Refused("Nothing was signed: " + why + "."); };

  // Bytes.
  function join(...parts) {
    const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    parts.reduce((at, p) => { all.set(p, at); return at + p.length; }, 0);
    return all;
  }
  const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  const unhex = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (d) => parseInt(d, 16));
  const base64 = (bytes) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(""));
  const unbase64 = (string) => Uint8Array.from(atob(string), (c) => c.charCodeAt(0));
  const url64 = (bytes) => base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const sha256 = async (bytes) => new Uint8Array(await subtle.digest("SHA-256", bytes));

  // Protocol buffers: fields in ascending order, and none that is empty, unless it is one of a list.
  function varint(n) {
    const out = [];
    for (; n > 127; n = Math.floor(n / 128)) out.push(n % 128 | 128);
    return Uint8Array.from([...out, n]);
  }
  const field = (number, value) => {
    const bytes = typeof value === "string" ? text.encode(value) : value;
    return join(varint(number * 8 + 2), varint(bytes.length), bytes);
  };
  const some = (number, value) => value.length ? field(number, value) : new Uint8Array();
  const number = (n, value) => value ? join(varint(n * 8), varint(value)) : new Uint8Array();

  // fields reads a message. A field that isn't named, or is there twice but for a list, is refused: nobody else may read
  // another thing than is looked at here. kinds says of each field: "one", "many" or "number".
  function fields(bytes, kinds, what) {
    const found = {};
    let at = 0;
    const next = () => {
      let value = 0;
      for (let shift = 1; ; shift *= 128) {
        if (at >= bytes.length || shift > 2 ** 42) refuse(what + " can't be read");
        const b = bytes[at++];
        value += (b & 127) * shift;
        if (b < 128) {
          if (b === 0 && shift > 1) refuse(what + " isn't written in the shortest way");
          return value;
        }
      }
    };
    while (at < bytes.length) {
      const tag = next(), id = Math.floor(tag / 8), kind = kinds[id];
      if (!kind || tag % 8 !== (kind === "number" ? 0 : 2)) refuse(what + " has a field that doesn't belong there");
      if (kind !== "many" && id in found) refuse(what + " has a field twice");
      const value = next();
      if (kind === "number") { found[id] = value; continue; }
      if (value > bytes.length - at) refuse(what + " is cut off");
      const part = bytes.subarray(at, at + value);
      at += value;
      if (kind === "many") (found[id] ??= []).push(part); else found[id] = part;
    }
    return (id) => found[id] ?? (kinds[id] === "many" ? [] : kinds[id] === "number" ? 0 : new Uint8Array());
  }
  function name(bytes, what) {
    try { return utf8.decode(bytes); } catch { return refuse(what + " is no text"); }
  }

  // ASN.1 in DER: certificates, requests and signatures.
  const der = (tag, ...parts) => {
    const body = join(...parts), length = [];
    for (let n = body.length; n > 0; n >>= 8) length.unshift(n & 255);
    return join(Uint8Array.of(tag), body.length < 128 ? Uint8Array.of(body.length) : Uint8Array.of(128 | length.length, ...length), body);
  };
  const oid = (dotted) => {
    const [a, b, ...rest] = dotted.split(".").map(Number);
    return der(6, join(varintBig(a * 40 + b), ...rest.map(varintBig)));
  };
  function varintBig(n) { // base 128, the greatest digits first
    const out = [n & 127];
    for (n = Math.floor(n / 128); n > 0; n = Math.floor(n / 128)) out.unshift(n & 127 | 128);
    return Uint8Array.from(out);
  }
  // items reads what a constructed value has: each with its tag, its body and all its bytes.
  function items(bytes) {
    const list = [];
    for (let at = 0; at < bytes.length;) {
      const from = at, tag = bytes[at++];
      let length = bytes[at++];
      if (length > 127) {
        const digits = length & 127;
        if (digits < 1 || digits > 3) throw new Error("The certificate can't be read.");
        length = 0;
        for (let i = 0; i < digits; i++) length = length * 256 + bytes[at++];
      }
      if (!(length <= bytes.length - at)) throw new Error("The certificate can't be read.");
      list.push({ tag, body: bytes.subarray(at, at + length), whole: bytes.subarray(from, at + length) });
      at += length;
    }
    return list;
  }
  // attributes are the parts of a subject that are understood, in the order in which the ledger writes them.
  const attributes = [["2.5.4.5", "SERIALNUMBER"], ["2.5.4.3", "CN"], ["2.5.4.11", "OU"], ["2.5.4.10", "O"],
    ["2.5.4.17", "POSTALCODE"], ["2.5.4.9", "STREET"], ["2.5.4.7", "L"], ["2.5.4.8", "ST"], ["2.5.4.6", "C"]];
  const single = new Set(["CN", "SERIALNUMBER"]);
  // subjectOf writes a certificate's subject as the ledger does (RFC 2253).
  function subjectOf(bytes) {
    const values = {};
    for (const set of items(bytes)) {
      for (const attribute of items(set.body)) {
        const [type, value] = items(attribute.body);
        const known = attributes.find(([dotted]) => same(oid(dotted), type.whole));
        if (!known || ![12, 19, 22].includes(value.tag)) {
          throw new Error("The certificate's subject has a part that this page doesn't understand. Sign with the command line instead.");
        }
        (values[known[1]] ??= []).push(name(value.body, "the subject"));
      }
    }
    const escaped = (value) => Array.from(value).map((c, i, all) =>
      ',+"\\<>;'.includes(c) || i === 0 && (c === "#" || c === " ") || i === all.length - 1 && c === " " ? "\\" + c : c).join("");
    return attributes.flatMap(([, type]) => {
      const list = values[type] ?? [];
      if (list.length > 1 && single.has(type)) throw new Error("The certificate's subject has two names.");
      return list.length ? [list.map((v) => type + "=" + escaped(v)).join("+")] : [];
    }).join(",");
  }
  const commonName = (subject) => {
    const found = /(?:^|,)CN=((?:\\.|[^,+\\])*)/.exec(subject);
    return found ? found[1].replace(/\\(.)/g, "$1") : subject;
  };
  function pem(type, bytes) {
    return `-----BEGIN ${type}-----\n${base64(bytes).replace(/.{1,64}/g, "$&\n")}-----END ${type}-----\n`;
  }
  function unpem(type, string) {
    const found = new RegExp(`-----BEGIN ${type}-----([A-Za-z0-9+/=\\s]+)-----END ${type}-----`).exec(string);
    if (!found) throw new Error("That is no certificate: it begins with -----BEGIN CERTIFICATE-----.");
    return unbase64(found[1].replace(/\s/g, ""));
  }
  function timeOf(item) {
    const digits = name(item.body, "the time");
    const year = item.tag === 23 ? (digits < "50" ? "20" : "19") + digits.slice(0, 2) : digits.slice(0, 4);
    const rest = digits.slice(item.tag === 23 ? 2 : 4);
    return Date.parse(`${year}-${rest.slice(0, 2)}-${rest.slice(2, 4)}T${rest.slice(4, 6)}:${rest.slice(6, 8)}:${rest.slice(8, 10)}Z`);
  }
  // readCertificate reads what is needed of a certificate in PEM.
  function readCertificate(string) {
    const whole = unpem("CERTIFICATE", string);
    try { return readDER(whole); } catch (e) { throw e instanceof TypeError ? new Error("The certificate can't be read.") : e; }
  }
  function readDER(whole) {
    const [outer] = items(whole);
    const parts = items(items(outer.body)[0].body);
    if (parts[0].tag === 0xa0) parts.shift(); // the version
    const [, , , validity, subject, key] = parts;
    const [from, until] = items(validity.body).map(timeOf);
    return { pem: pem("CERTIFICATE", whole), subject: subjectOf(subject.body), key: key.whole, from, until };
  }

  // The curve's order, to bring signatures into the form that the ledger takes: DER, with a low S.
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const integer = (n) => {
    let digits = n.toString(16);
    if (digits.length % 2) digits = "0" + digits;
    const bytes = unhex(digits);
    return der(2, bytes[0] > 127 ? join(Uint8Array.of(0), bytes) : bytes);
  };
  async function sign(key, message) {
    const raw = new Uint8Array(await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, message));
    const r = BigInt("0x" + hex(raw.subarray(0, 32)));
    let s = BigInt("0x" + hex(raw.subarray(32)));
    if (s > order / 2n) s = order - s;
    return der(0x30, integer(r), integer(s));
  }

  // makeKey makes a key that can't be exported. makeRequest makes the certificate request of it (PKCS #10).
  const makeKey = () => subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  async function makeRequest(pair, person) {
    const publicKey = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
    const subject = der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(12, text.encode(person)))));
    const info = der(0x30, der(2, Uint8Array.of(0)), subject, publicKey, der(0xa0));
    const algorithm = der(0x30, oid("1.2.840.10045.4.3.2"));
    return pem("CERTIFICATE REQUEST", der(0x30, info, algorithm, der(3, Uint8Array.of(0), await sign(pair.privateKey, info))));
  }

  // The browser's store of the one key.
  function store(mode, act) {
    return new Promise((resolve, reject) => {
      const opening = indexedDB.open("pedigree", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const done = opening.result.transaction("keys", mode);
        const request = act(done.objectStore("keys"));
        done.oncomplete = () => { opening.result.close(); resolve(request.result); };
        done.onabort = done.onerror = () => { opening.result.close(); reject(done.error); };
      };
    });
  }
  const load = () => store("readonly", (s) => s.get("own"));
  const keep = (value) => store("readwrite", (s) => s.put(value, "own"));
  const forget = () => store("readwrite", (s) => s.delete("own"));

  // certify adds a certificate to a key that was made here.
  async function certify(own, string, at) {
    const certificate = readCertificate(string);
    const key = new Uint8Array(await subtle.exportKey("spki", own.pair.publicKey));
    if (!same(key, certificate.key)) throw new Error("The certificate is for another key than the one in this browser.");
    const now = Date.now();
    if (now < certificate.from || now > certificate.until) throw new Error("The certificate isn't valid now.");
    return { ...own, certificate: certificate.pem, subject: certificate.subject, until: certificate.until, ...at };
  }

  // What is meant.
  const kinds = { recall: ["reason", "instructions"], retraction: ["reason"], approval: ["scope"] };
  const recordPrefix = "ni:///sha-256;";
  const digits64 = (digits) => typeof digits === "string" && /^[0-9a-f]{64}$/.test(digits);
  const digitsOf = (id) => id.slice(recordPrefix.length);
  const recordID = (node) => typeof node === "string" && node.startsWith(recordPrefix) && digits64(digitsOf(node));
  // canonical writes JSON by RFC 8785. There are no numbers in it.
  function canonical(value) {
    if (typeof value === "string") {
      if (!value.isWellFormed()) throw new Error("The text has half a character.");
      return JSON.stringify(value);
    }
    if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
    return "{" + Object.keys(value).sort().map((k) => JSON.stringify(k) + ":" + canonical(value[k])).join(",") + "}";
  }
  // goJSON writes a flat object as Go's encoding/json does.
  const goJSON = (value) => JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

  // statement makes the record. digest is that of an artifact version, which only the ledger knows.
  async function statement(own, intent, digest) {
    if (!(intent.kind in kinds)) refuse("this page signs no such statement");
    const predicate = {};
    for (const member of kinds[intent.kind]) if (intent.predicate[member]) predicate[member] = intent.predicate[member];
    let sum = hex(await sha256(text.encode(intent.about)));
    if (recordID(intent.about)) sum = digitsOf(intent.about);
    else if (/^(dataset|model|code|document)\//.test(intent.about) && digits64(digest)) sum = digest;
    return text.encode(canonical({
      _type: "https://in-toto.io/Statement/v1", by: own.mspId, predicate, record: "statement/2",
      predicateType: "https://pedigree-ledger.github.io/predicate/" + intent.kind + "/v1",
      subject: [{ digest: { sha256: sum }, name: intent.about }],
    }));
  }
  // frame wraps bytes into a zstd frame that compresses nothing (RFC 8878).
  function frame(bytes) {
    if (bytes.length > 120000) refuse("the statement is too long for this page");
    const size = bytes.length, block = size * 8 + 1;
    return join(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0, size & 255, size >> 8 & 255, size >> 16 & 255, 0, block & 255, block >> 8 & 255, block >> 16 & 255), bytes);
  }
  // places are where the ledger has what the statement refers to.
  function places(witnesses, about) {
    const list = {};
    for (const [node, place] of Object.entries(witnesses ?? {})) {
      if (node !== about || !recordID(place.id) || !digits64(place.tx)) refuse("the gateway shows a place of something else");
      list[node] = { id: place.id, tx: place.tx };
    }
    return Object.keys(list).length ? text.encode(goJSON(list)) : new Uint8Array();
  }

  // propose makes the proposal, and all that a transaction is made of later.
  async function propose({ own, nonce, seconds, body, witnesses }) {
    const creator = join(field(1, own.mspId), field(2, own.certificate));
    const tx = hex(await sha256(join(nonce, creator)));
    const chaincode = field(2, own.chaincode);
    const channelHeader = join(number(1, 3), field(3, number(1, seconds)), field(4, own.channel), field(5, tx), field(7, field(2, chaincode)));
    const signatureHeader = join(field(1, creator), field(2, nonce));
    const header = join(field(1, channelHeader), field(2, signatureHeader));
    const input = field(1, join(field(2, chaincode), field(3, join(field(1, "Statements:Submit"), field(1, witnesses)))));
    const pack = frame(body), call = field(1, input);
    const payload = join(call, field(2, join(field(1, "pack"), field(2, pack))));
    return { tx, header, signatureHeader, call, pack, body, seconds,
      hash: await sha256(join(channelHeader, signatureHeader, call)), bytes: join(field(1, header), field(2, payload)) };
  }

  // transaction makes the transaction of a proposal and of what was endorsed, if that is what the proposal means.
  async function transaction(own, intent, p, theirs) {
    const payload = fields(theirs, { 1: "one", 2: "one" }, "the transaction");
    const actions = fields(payload(2), { 1: "many" }, "the transaction")(1);
    if (actions.length !== 1) refuse("the transaction has not one action");
    const action = fields(fields(actions[0], { 1: "one", 2: "one" }, "the action")(2), { 1: "one", 2: "one" }, "the action")(2);
    const endorsed = fields(action, { 1: "one", 2: "many" }, "what was endorsed");
    if (!endorsed(2).length) refuse("nobody has endorsed it");
    for (const e of endorsed(2)) fields(e, { 1: "one", 2: "one" }, "an endorsement");
    await judge(own, intent, p, endorsed(1));
    const mine = join(field(1, p.header), field(2, field(1, join(field(1, p.signatureHeader), field(2, join(field(1, p.call), field(2, action)))))));
    if (!same(mine, theirs)) refuse("the gateway wants another transaction signed than the one that was proposed");
    return mine;
  }

  // judge holds the peers' answer to the proposal.
  async function judge(own, intent, p, answer) {
    const response = fields(answer, { 1: "one", 2: "one" }, "the peers' answer");
    if (!same(response(1), p.hash)) refuse("the peers have answered another proposal");
    const action = fields(response(2), { 1: "one", 2: "one", 3: "one", 4: "one" }, "the peers' answer");
    if (action(2).length) refuse("it emits an event");
    const status = fields(action(3), { 1: "number", 2: "one", 3: "one" }, "the chaincode's answer")(1);
    if (status < 200 || status >= 400) refuse("the chaincode has refused it");
    if (name(fields(action(4), { 1: "one", 2: "one", 3: "one" }, "the chaincode's name")(2), "the chaincode's name") !== own.chaincode) refuse("another chaincode has answered");
    const writes = [];
    for (const set of fields(action(1), { 1: "number", 2: "many" }, "what it writes")(2)) {
      const one = fields(set, { 1: "one", 2: "one", 3: "many" }, "what it writes");
      if (one(3).length) refuse("it reads or writes private data");
      const rw = fields(one(2), { 1: "many", 2: "many", 3: "many", 4: "many" }, "what it writes");
      if (rw(4).length) refuse("it changes who may endorse changes of a key");
      if (rw(3).length && name(one(1), "a namespace") !== own.chaincode) refuse("it writes for another chaincode");
      for (const w of rw(3)) {
        const write = fields(w, { 1: "one", 2: "number", 3: "one" }, "what it writes");
        writes.push({ key: name(write(1), "a key"), deletes: write(2) !== 0, value: write(3) });
      }
    }
    await judgeWrites(own, intent, p, writes);
  }

  // judgeWrites holds what is written to the statement: its pack, the pointer to it, and what the rules make of it.
  async function judgeWrites(own, intent, p, writes) {
    const digest = await sha256(p.body), tx = url64(unhex(p.tx)), id = recordPrefix + hex(digest);
    const time = new Date(p.seconds * 1000).toISOString().replace(".000Z", "Z");
    const pack = join(text.encode(goJSON({ mspId: own.mspId, subject: own.subject, time }) + "\n"), p.pack);
    const short = (node) => url64(unhex(digitsOf(node)));
    const must = new Map([["p/" + tx, pack], [`r/${url64(digest).slice(0, 32)}/${tx.slice(0, 16)}`, text.encode("0")]]);
    const may = new Map([["f/" + url64(digest), own.mspId], ["v/2", own.mspId],
      [`s/${url64(await sha256(text.encode(intent.about)))}/${tx}/000000/000000`, id]]);
    if (recordID(intent.about) && intent.kind === "retraction") may.set("e/" + short(intent.about), id);
    if (recordID(intent.about) && intent.kind === "approval") may.set(`y/${short(intent.about)}/${own.mspId}`, id);
    const seen = new Set();
    for (const w of writes) {
      if (seen.has(w.key)) refuse("it writes a key twice");
      seen.add(w.key);
      if (w.deletes) refuse("it deletes something");
      const exact = must.get(w.key) ?? (may.has(w.key) ? text.encode(may.get(w.key)) : null);
      if (exact ? !same(exact, w.value) : !follows(own, intent, w)) refuse("it writes something that the statement doesn't say");
    }
    if ([...must.keys()].some((key) => !seen.has(key))) refuse("it doesn't write the statement");
  }

  // follows tells whether a write follows from a statement about another one, which this script doesn't have.
  function follows(own, intent, { key, value }) {
    const string = name(value, "a value");
    if (key.startsWith("y/")) {
      return intent.kind === "retraction" && string === intent.about + " retracted" && key.endsWith("/" + own.mspId);
    }
    let read;
    try { read = JSON.parse(string); } catch { return false; }
    if (!read || goJSON(read) !== string || read.id !== intent.about) return false;
    if (/^q\/[0-9]{4,12}$/.test(key)) {
      return read.ended ? intent.kind === "retraction" && read.mspId === own.mspId : intent.kind === "approval" && read.mspId !== own.mspId;
    }
    return intent.kind === "retraction" && read.retracted === true && (key.startsWith("w/") || key.startsWith(`o/${own.mspId}/`));
  }

  // record has a statement recorded, signed with the person's key, and gives its receipt. post asks the API.
  async function record(own, intent, post) {
    for (let tries = 1; ; tries++) {
      try { return await once(own, intent, post); } catch (e) { if (tries >= 5 || e.code !== "not_committed") throw e; }
    }
  }
  async function once(own, intent, post) {
    const nonce = crypto.getRandomValues(new Uint8Array(24)), seconds = Math.floor(Date.now() / 1000);
    const short = { kind: intent.kind, subject: [intent.about], predicate: {} };
    for (const member of kinds[intent.kind] ?? []) if (intent.predicate[member]) short.predicate[member] = intent.predicate[member];
    const prepared = await post("/v1/prepare", { noun: "statement", record: short, certificate: own.certificate, nonce: base64(nonce),
      time: new Date(seconds * 1000).toISOString().replace(".000Z", "Z") });
    const body = await statement(own, intent, prepared.records?.[0]?.subject?.[0]?.digest?.sha256);
    const id = recordPrefix + hex(await sha256(body));
    if (prepared.recorded) {
      if (prepared.recorded.id !== id) refuse("the gateway says that it has recorded something else");
      return prepared.recorded;
    }
    const proposal = await propose({ own, nonce, seconds, body, witnesses: places(prepared.witnesses, intent.about) });
    const endorsed = await post("/v1/endorse", { proposal: base64(proposal.bytes), signature: base64(await sign(own.pair.privateKey, proposal.bytes)) });
    const payload = await transaction(own, intent, proposal, unbase64(endorsed.payload));
    const signed = { payload: base64(payload), signature: base64(await sign(own.pair.privateKey, payload)) };
    for (let tries = 1; ; tries++) {
      try {
        const receipt = await post("/v1/submit", signed);
        if (receipt.id !== id || receipt.tx !== proposal.tx) throw new Error("The gateway says that it recorded something else. Look for the record before you try again.");
        return receipt;
      } catch (e) { if (tries >= 4 || e.status !== 504) throw e; }
    }
  }

  return { makeKey, makeRequest, certify, load, keep, forget, record, commonName, readCertificate, base64, unbase64, statement, propose, transaction, places };
})();
