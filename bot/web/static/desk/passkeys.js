// Makes and uses passkeys. Without it, or without passkeys in the browser, nothing is missing.

/** @type {(text: string) => Uint8Array<ArrayBuffer>} */
const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
/** @type {(buffer: ArrayBuffer) => string} */
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** @type {(path: string | undefined, fields: Record<string, string>) => Promise<any>} */
async function send(path, fields) {
  const answer = await fetch(path ?? "", { method: "POST", body: new URLSearchParams(fields) });
  return answer.json();
}

/** @param {any} options as the server writes them, with binary values in base64url */
function asked(options) {
  /** @type {{id: string}[]} */
  const excluded = options.excludeCredentials || [];
  const known = excluded.map((one) => ({ ...one, id: bytes(one.id) }));
  const user = options.user && { ...options.user, id: bytes(options.user.id) };
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(user ? { user, excludeCredentials: known } : {}),
  };
}

/** @param {PublicKeyCredential} credential */
function answered(credential) {
  const from = /** @type {Record<string, any>} */ (credential.response);
  /** @type {Record<string, string>} */
  const response = { clientDataJSON: text(from.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (from[part]) response[part] = text(from[part]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: {},
  });
}

/** @param {HTMLFormElement} form */
async function go(form) {
  /** @type {Record<string, any>} */
  const own = Object.fromEntries(new FormData(form));
  const options = await send(form.dataset.ask, own);
  if (options.go) return location.assign(options.go);
  const publicKey = asked(options);
  const credential = options.user
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  const { csrf, next } = own;
  const end = await send(form.dataset.answer, {
    csrf,
    ...(next ? { next } : {}),
    answer: answered(/** @type {PublicKeyCredential} */ (credential)),
  });
  return location.assign(end.go);
}

if (globalThis.PublicKeyCredential) {
  /** @type {NodeListOf<HTMLFormElement>} */
  const forms = document.querySelectorAll("form[data-passkey]");
  for (const form of forms) {
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      /** @type {HTMLElement | null} */
      const trouble = form.querySelector("[data-trouble]");
      if (trouble) trouble.hidden = true;
      try {
        await go(form);
      } catch {
        if (!trouble) return;
        trouble.hidden = false;
        trouble.focus();
      }
    });
  }
}
