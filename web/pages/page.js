// What the pages share: the stream's name, the token, and small ways to write to the document.

/** Contract: 1 to 128 letters, digits, dots, underscores and hyphens, not starting with a dot. */
export const streamNamePattern = /^(?!\.)[A-Za-z0-9._-]{1,128}$/;

/** The stream of `/play/{stream}` and `/publish/{stream}`, or null when it is not a name. */
export function streamFromAddress() {
  let name = location.pathname.split("/")[2] ?? "";
  try {
    name = decodeURIComponent(name);
  } catch {
    return null;
  }
  return streamNamePattern.test(name) ? name : null;
}

/** What stands behind `#`: it never reaches a server or its log, so a token may travel there. */
export function fragment() {
  return new URLSearchParams(location.hash.slice(1));
}

export function element(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`no element ${id}`);
  }
  return found;
}

/** Makes an element with text; text is never read as markup. */
export function make(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) {
      made[key] = value;
    } else {
      made.setAttribute(key, value);
    }
  }
  made.append(...children);
  return made;
}

/** Writes text only when it differs, so that a screen reader hears a change once. */
export function say(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

/** Fills a description list with rows of label, value and an optional explanation. */
export function showRows(list, rows) {
  if (list.childElementCount !== rows.length) {
    list.replaceChildren(...rows.map(([label, , title]) =>
      make("div", title ? { title } : {}, make("dt", { textContent: label }), make("dd"))));
  }
  rows.forEach(([, value], index) => say(list.children[index].lastElementChild, value));
}

/** A link to another page of ours that carries the token along in its fragment. */
export function pageAddress(kind, stream) {
  const token = fragment().get("token");
  return `/${kind}/${encodeURIComponent(stream)}${token ? `#token=${encodeURIComponent(token)}` : ""}`;
}
