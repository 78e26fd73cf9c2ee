// "Use again": what made a take goes into the fields of the Speak tab.
(() => {
  function fill(selector, value) {
    const field = document.querySelector(`${selector} textarea, ${selector} input`);
    if (!field || field.disabled) return;
    const owner = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
    Object.getOwnPropertyDescriptor(owner.prototype, "value").set.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return field;
  }

  function choose(selector, value) {
    const field = document.querySelector(`${selector} input`);
    if (!field || field.value.toLowerCase() === value.toLowerCase()) return;
    field.focus();
    fill(selector, value);
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    field.blur();
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-use]");
    if (!button) return;
    const { text, voice, instruct, language } = JSON.parse(button.dataset.use);
    document.querySelector('#intone-tabs [role="tab"]')?.click();
    requestAnimationFrame(() => {
      choose("#speak-language", language);
      if (voice) choose("#speak-voice", voice);
      fill("#speak-instruct", instruct);
      fill("#speak-text", text)?.focus();
    });
  });
})();
