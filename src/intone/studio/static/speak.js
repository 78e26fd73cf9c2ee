// The Speak tab in the page: the press that begins, what the player says, keys.
(() => {
  const intone = (window.intone = window.intone ?? {});
  const find = (id) => document.getElementById(id);

  // Fetches the sound of the fields at once and hands their id to the page's own handler.
  intone.speak = (root, names, values) => {
    const id = intone.newId();
    const fields = Object.fromEntries(names.map((name, index) => [name, values[index + 1]]));
    intone.listen(root, id, fields);
    return [id, ...values.slice(1)];
  };

  function show() {
    const place = find("speak-heard");
    if (!place) return;
    const { marks, isSounding } = intone.live;
    const firstMs = marks.firstSound ?? marks.firstSample;
    const words = [];
    if (firstMs !== null)
      words.push(`First sound ${((firstMs - marks.click) / 1000).toFixed(2)} s after the press.`);
    if (marks.underruns)
      words.push(
        marks.underruns === 1
          ? "The sound broke once: it was needed before it was made."
          : `The sound broke ${marks.underruns} times: it was needed before it was made.`,
      );
    place.textContent = words.join(" ");
    find("speak-panel")?.classList.toggle("sounding", isSounding);
  }
  document.addEventListener("intone:live", show);

  document.addEventListener("keydown", (event) => {
    const go = find("speak-go");
    if (!go || go.offsetParent === null) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      intone.whenReady(() => go.click());
    } else if (event.key === "Escape" && intone.live.isSounding) {
      find("speak-stop")?.click();
    }
  });
})();
