"""Uploads before they travel: too large ones are refused in words beside their field.

The server refuses them as well (`max_file_size`), but there they have been sent by then. Recordings
in containers that browsers take for films (webm, mp4) are let in where sound is asked for.
"""

from __future__ import annotations

import json

import gradio as gr

_GUARD = """
(() => {
  const [field, place, limit] = %s;
  const KINDS = { webm: "audio/webm", mkv: "audio/webm", mp4: "audio/mp4", m4a: "audio/mp4",
    "3gp": "audio/3gpp" };
  const inside = (event) => document.getElementById(field)?.contains(event.target);
  const kindOf = (file) => KINDS[file.name.split(".").pop().toLowerCase()];
  const tell = (file) => {
    document.getElementById(`${place}-size`)?.remove();
    if (!file) return;
    const words = document.createElement("p");
    words.id = `${place}-size`;
    words.className = "intone-note problem";
    words.setAttribute("role", "alert");
    words.textContent = `${file.name} has ${Math.round(file.size / 1e6)} MB; allowed: up to ` +
      `${Math.round(limit / 1e6)} MB. Cut it down and give it again; what was here before stays.`;
    document.getElementById(field).after(words);
  };
  const check = (event, files, give) => {
    const large = files.find((file) => file.size > limit);
    tell(large);
    const isSound = document.querySelector(`#${field} [accept*="audio/"]`) !== null;
    const isRenamed = isSound && files.some((file) => kindOf(file) && kindOf(file) !== file.type);
    if (!large && !isRenamed) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const given = new DataTransfer();
    if (!large)
      for (const file of files)
        given.items.add(new File([file], file.name, { type: kindOf(file) ?? file.type }));
    give(given.files, !large);
  };
  document.addEventListener("change", (event) => {
    if (!inside(event) || event.target.type !== "file") return;
    check(event, [...event.target.files], (files, again) => {
      event.target.files = files;
      if (again) event.target.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }, true);
  document.addEventListener("drop", (event) => {
    if (!inside(event) || !event.dataTransfer) return;
    check(event, [...event.dataTransfer.files], (files, again) => {
      const input = document.querySelector(`#${field} input[type=file]`);
      if (!input || !again) return;
      input.files = files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }, true);
  document.addEventListener("click", (event) => {
    const input = event.target;
    if (!inside(event) || input.type !== "file" || !input.accept.includes("audio/")) return;
    if (!input.accept.includes(".webm")) input.accept += ",.webm,.mkv,.mp4,.m4a,.3gp";
  }, true);
})();
"""


def guard_uploads(field: str, place: str, limit_bytes: int) -> gr.HTML:
    """Adds the guard of a field, once per page.

    Args:
        field: `elem_id` of the upload.
        place: `elem_id` of its note; names the words that appear.
        limit_bytes: of one file.
    """
    script = _GUARD % json.dumps([field, place, limit_bytes])
    return gr.HTML("", js_on_load=script, elem_id=f"{field}-guard", elem_classes="intone-guard")
