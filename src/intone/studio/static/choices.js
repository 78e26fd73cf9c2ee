// Lists of choices by keyboard: Tab leaves a list and shuts it, and what is typed replaces what is
// chosen. Left alone, Gradio's lists open again behind whoever tabs away, and cover their labels.
(() => {
  const listOf = (target) =>
    target instanceof HTMLInputElement && target.getAttribute("role") === "combobox" ? target : null;
  let entered = null;

  window.addEventListener("keydown", (event) => {
    const field = listOf(event.target);
    if (!field || (event.key !== "Tab" && event.key !== "Shift")) return;
    event.stopImmediatePropagation(); // the browser still moves on; the list closes as it is left
    const list = document.getElementById(field.getAttribute("aria-controls"));
    for (const one of [list, list?.parentElement]) one?.setAttribute("tabindex", "-1");
  }, { capture: true });

  document.addEventListener("focusin", (event) => {
    entered = listOf(event.target);
    if (entered && !entered.readOnly) entered.select();
  });
  document.addEventListener("click", (event) => {
    // The press that enters a field sets the cursor after it has entered.
    if (entered && event.target === entered && !entered.readOnly) entered.select();
    entered = null;
  });
})();
