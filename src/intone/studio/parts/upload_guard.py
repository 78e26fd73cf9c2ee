"""A file over the limit is refused in the browser, in words beside its field, before it travels.

The server refuses it as well (`max_file_size`), but there it has been sent by then.
"""

from __future__ import annotations

import json

import gradio as gr

_GUARD = """
(() => {
  const [field, place, limit] = %s;
  const refuse = (event, files) => {
    const box = document.getElementById(field);
    if (!box || !box.contains(event.target)) return;
    const large = [...(files ?? [])].find((file) => file.size > limit);
    const note = document.querySelector(`#${place} .prose, #${place}`);
    const old = document.getElementById(`${place}-size`);
    if (old) old.remove();
    if (!large) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (event.type === "change") event.target.value = "";
    const words = document.createElement("p");
    words.id = `${place}-size`;
    words.className = "intone-note problem";
    words.setAttribute("role", "alert");
    words.textContent = `${large.name} has ${Math.round(large.size / 1e6)} MB; allowed: up to ` +
      `${Math.round(limit / 1e6)} MB. What was there before stays. Cut it down and give it again.`;
    (box.parentElement ?? box).insertBefore(words, box.nextSibling);
  };
  document.addEventListener("change", (event) => refuse(event, event.target.files), true);
  document.addEventListener("drop", (event) => refuse(event, event.dataTransfer?.files), true);
})();
"""


def guard_uploads(field: str, place: str, limit_bytes: int) -> gr.HTML:
    """Adds the guard of a field.

    Args:
        field: `elem_id` of the upload.
        place: `elem_id` of its note; names the words that appear.
        limit_bytes: of one file.
    """
    script = _GUARD % json.dumps([field, place, limit_bytes])
    return gr.HTML("", js_on_load=script, elem_id=f"{field}-guard", elem_classes="intone-guard")
