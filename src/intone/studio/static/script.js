// The Script tab: tags at the cursor, the cast, a script of its own for every browser tab, and
// rows that play as they come.
(() => {
  const intone = (window.intone = window.intone ?? {});
  const ID = "intone.script.id";
  const FIELDS = "intone.script.fields";

  const read = (store, key) => {
    try { return store.getItem(key); } catch { return null; }
  };
  const write = (store, key, value) => {
    try { store.setItem(key, value); } catch { /* forbidden or full: the page works without */ }
  };
  const fresh = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  };

  // A copied browser tab copies its storage: whoever comes second begins with a copy.
  async function isOurs(id) {
    if (!navigator.locks) return true;
    for (let tries = 0; tries < 5; tries++) {
      const got = await new Promise((answer) => {
        navigator.locks.request(`intone-script-${id}`, { ifAvailable: true }, (lock) => {
          answer(lock !== null);
          return lock ? new Promise(() => {}) : null; // held as long as the page lives
        });
      });
      if (got) return true;
      await new Promise((go) => setTimeout(go, 100)); // a page that was reloaded is still leaving
    }
    return false;
  }

  let isOpen = false;
  intone.script = {
    // Inputs: the id, the id of the script to begin with, then the fields.
    async open(values) {
      let id = read(sessionStorage, ID);
      let of = "";
      let kept = read(sessionStorage, FIELDS);
      if (!id || !(await isOurs(id))) {
        of = id || read(localStorage, ID) || "";
        kept = kept ?? read(localStorage, FIELDS);
        id = fresh();
        await isOurs(id);
      }
      write(sessionStorage, ID, id);
      write(localStorage, ID, id);
      isOpen = true;
      try {
        const fields = JSON.parse(kept);
        if (Array.isArray(fields) && fields.length === values.length - 2) return [id, of, ...fields];
      } catch { /* damaged: the defaults stand */ }
      return [id, of, ...values.slice(2)];
    },
    store(values) {
      if (!isOpen) return; // the page's own defaults must not cover what is kept
      const text = JSON.stringify(values);
      write(sessionStorage, FIELDS, text);
      write(localStorage, FIELDS, text);
    },
  };

  // ---- tags and places in the text
  const box = () => document.querySelector("#script-text textarea");
  function put(tag) {
    const text = box();
    if (!text) return;
    const { selectionStart: from, selectionEnd: to, value } = text;
    const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
    set.call(text, value.slice(0, from) + tag + value.slice(to));
    text.focus();
    const name = tag.indexOf("NAME");
    if (name < 0) text.setSelectionRange(from + tag.length, from + tag.length);
    else text.setSelectionRange(from + name, from + name + 4);
    text.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function show(line, column) {
    const text = box();
    if (!text) return;
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    text.focus();
    text.setSelectionRange(start + column - 1, start + (lines[line - 1] ?? "").length);
    const height = parseFloat(getComputedStyle(text).lineHeight) || 20;
    text.scrollTop = Math.max(0, (line - 3) * height);
  }
  document.addEventListener("click", (event) => {
    const tag = event.target.closest?.("[data-tag]");
    if (tag) put(tag.dataset.tag);
    const goto = event.target.closest?.("[data-goto]");
    if (goto) show(...goto.dataset.goto.split(",").map(Number));
  });
  document.addEventListener("keydown", (event) => {
    const figure = /^Digit([1-9])$/.exec(event.code);
    if (!event.altKey || event.ctrlKey || event.metaKey || !figure || event.target !== box()) return;
    const tags = document.querySelectorAll(".script-palette [data-tag]");
    const tag = tags[Number(figure[1]) - 1];
    if (!tag) return;
    event.preventDefault();
    put(tag.dataset.tag);
  });

  // ---- rows: new takes are played as they come; the focus stays where it was
  let wasLive = false;
  let seen = null;
  let focused = null;
  function look() {
    const list = document.querySelector("#script-rows .script-rows");
    const rows = [...document.querySelectorAll("#script-rows [data-take]")];
    const isLive = list?.dataset.live === "1";
    const wanted = document.querySelector("#script-preview input")?.checked;
    const first = seen === null;
    seen = seen ?? new Set();
    for (const row of rows) {
      if (seen.has(row.dataset.take)) continue;
      seen.add(row.dataset.take);
      if (!first && wanted && (isLive || wasLive)) intone.queue(row.dataset.take, row.dataset.label);
    }
    wasLive = isLive;
    if (!focused || !["BODY", null].includes(document.activeElement?.tagName ?? null)) return;
    const row = CSS.escape(focused.id);
    const same = `#script-rows [data-do="${focused.do}"][data-id="${row}"]:not([disabled])`;
    (document.querySelector(same) ?? document.querySelector(`#script-rows [data-id="${row}"]`))?.focus();
  }
  document.addEventListener("focusin", (event) => {
    const button = event.target.closest?.("#script-rows [data-do]");
    focused = button ? { do: button.dataset.do, id: button.dataset.id } : null;
  });
  const watch = () => {
    const place = document.querySelector("#script-rows");
    if (!place) return setTimeout(watch, 300);
    new MutationObserver(look).observe(place, { childList: true, subtree: true });
    look();
  };
  watch();
})();
