// What the page does by itself: one player for everything, drafts that survive a reload.
// Tabs add to `window.intone`; nothing here knows of models.
(() => {
  const intone = (window.intone = window.intone ?? {});

  // ---- drafts: what was typed, in this browser alone; two tabs each have their own, and a new
  // one begins with the last
  const PREFIX = "intone.draft.";
  const restored = new Set();

  // Presses are lost until Gradio has connected them; it restores drafts as soon as it has.
  const waiting = [];
  let isReady = false;
  intone.whenReady = (act) => (isReady ? act() : waiting.push(act));
  function ready() {
    if (isReady) return;
    isReady = true;
    document.body.dataset.ready = "yes";
    for (const act of waiting.splice(0)) act();
  }

  intone.drafts = {
    store(name, values) {
      if (!restored.has(name)) return; // the page's own defaults must not cover a draft
      intone.drafts.write(name, values);
    },
    restore(name, values) {
      restored.add(name);
      setTimeout(ready);
      try {
        const key = PREFIX + name;
        const kept = JSON.parse(sessionStorage.getItem(key) ?? localStorage.getItem(key));
        if (Array.isArray(kept) && kept.length === values.length) return kept;
      } catch { /* not ours, or damaged: the defaults stand */ }
      return values;
    },
    write(name, values) {
      try {
        for (const storage of [sessionStorage, localStorage])
          storage.setItem(PREFIX + name, JSON.stringify(values));
      } catch { /* storage is full or forbidden: the page works without */ }
    },
  };

  // ---- the tab that was open is open after a reload
  const TAB = "intone.tab";
  const tabs = () => [...document.querySelectorAll("#intone-tabs [role=tab]")];
  document.addEventListener("click", (event) => {
    const tab = event.target.closest?.("#intone-tabs [role=tab]");
    try {
      if (tab) sessionStorage.setItem(TAB, tab.textContent.trim());
    } catch { /* forbidden: the page works without */ }
  });
  let wanted = null;
  try { wanted = sessionStorage.getItem(TAB); } catch { /* forbidden, too */ }
  if (wanted) {
    const watch = new MutationObserver(() => {
      const tab = tabs().find((one) => one.textContent.trim() === wanted);
      if (!tab) return;
      watch.disconnect();
      if (tab.getAttribute("aria-selected") !== "true") setTimeout(() => tab.click());
    });
    watch.observe(document.documentElement, { childList: true, subtree: true });
  }

  // ---- one player: lists may be drawn anew under it without a break in the sound
  const queue = [];
  let bar, audio, title;

  function build() {
    bar = document.createElement("section");
    bar.id = "intone-player";
    bar.setAttribute("aria-label", "Player");
    bar.hidden = true;
    title = document.createElement("span");
    title.className = "title";
    title.setAttribute("role", "status");
    audio = document.createElement("audio");
    audio.controls = true;
    audio.addEventListener("ended", next);
    audio.addEventListener("play", mark);
    audio.addEventListener("pause", mark);
    audio.addEventListener("error", () => {
      if (!audio.getAttribute("src")) return;
      title.textContent = "This sound is gone; reload the page.";
      next(); // those behind it may be there
    });
    const close = document.createElement("button");
    close.type = "button";
    close.className = "intone-button";
    close.textContent = "Close";
    close.setAttribute("aria-label", "Close the player");
    close.addEventListener("click", intone.stop);
    bar.append(title, audio, close);
    document.body.append(bar);
  }

  function start(url, label) {
    if (!bar) build();
    bar.hidden = false;
    document.body.classList.add("intone-playing");
    title.textContent = label;
    audio.src = url;
    audio.play().catch(() => { /* the browser wants a press first: the bar has a button */ });
    mark();
  }

  function next() {
    const following = queue.shift();
    if (following) start(...following);
    else mark();
  }

  function mark() {
    const here = audio && !audio.paused ? audio.getAttribute("src") : null;
    for (const one of document.querySelectorAll("[data-play]"))
      one.classList.toggle("sounding", one.dataset.play === here);
  }

  intone.play = (url, label = "") => {
    queue.length = 0;
    start(url, label);
  };
  intone.queue = (url, label = "") => {
    const isBusy = audio && !audio.paused && !audio.ended && !audio.error;
    if (isBusy) queue.push([url, label]);
    else start(url, label);
  };
  intone.stop = () => {
    queue.length = 0;
    if (!bar) return;
    audio.pause();
    audio.removeAttribute("src");
    bar.hidden = true;
    document.body.classList.remove("intone-playing");
    mark();
  };
  intone.playing = () => (audio && !audio.paused ? audio.getAttribute("src") : null);

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-play]");
    if (!button) return;
    const { play: url, label } = button.dataset;
    if (intone.playing() === url) audio.pause();
    else intone.play(url, label);
  });
})();
