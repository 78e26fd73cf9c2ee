// Lists are drawn anew under the user's hands: focus, folds and the mark of what sounds stay.
(() => {
  const FOCUSABLE = "button, a[href], summary";
  const folds = new Map();
  let last = null;

  function keyOf(element) {
    const { do: action, id, play, queue, use } = element.dataset;
    const fold = element.matches("summary") ? element.parentElement.dataset.keep : "";
    return JSON.stringify([action, id, play, queue, use, element.getAttribute("href"), fold]);
  }

  document.addEventListener("focusin", (event) => {
    const list = event.target.closest?.("[id]:has([data-do])");
    const isInList = list && event.target.matches(FOCUSABLE);
    last = isInList && { element: event.target, list: list.id, key: keyOf(event.target) };
  });

  // What the user folded, not what a new drawing of the list did.
  document.addEventListener("click", (event) => {
    const fold = event.target.closest?.("summary")?.parentElement;
    if (fold?.dataset.keep) setTimeout(() => folds.set(fold.dataset.keep, fold.open));
  });

  function refocus() {
    if (!last || last.element.isConnected || document.activeElement !== document.body) return;
    const all = [...(document.getElementById(last.list)?.querySelectorAll(FOCUSABLE) ?? [])];
    const [, id] = JSON.parse(last.key);
    const next = all.find((one) => keyOf(one) === last.key)
      ?? all.filter((one) => id && one.dataset.id === id).at(-1) ?? all[0];
    next?.focus({ preventScroll: true });
  }

  function redress() {
    for (const fold of document.querySelectorAll("details[data-keep]")) {
      const isOpen = folds.get(fold.dataset.keep);
      if (isOpen !== undefined && fold.open !== isOpen) fold.open = isOpen;
    }
    const sounding = window.intone?.playing?.();
    if (sounding)
      for (const play of document.querySelectorAll("[data-play]"))
        play.classList.toggle("sounding", play.dataset.play === sounding);
    refocus();
  }

  new MutationObserver(redress).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["open"],
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-queue]");
    if (!button) return;
    const [first, ...others] = JSON.parse(button.dataset.queue);
    window.intone.play(...first);
    for (const one of others) window.intone.queue(...one);
  });
})();
